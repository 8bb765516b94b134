import { beforeAll, describe, expect, it } from "vitest";

import { Secret } from "../../toolchain/plugin/values";
import { recordProgram } from "../../review/recording/program";
import { type RecordedResource, unknownPaths } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import { stackFile } from "../../review/recording/stack-file";

let dev: Recording;
let preview: Recording;
beforeAll(async () => {
  dev = await recordProgram("dev", "update");
  preview = await recordProgram("dev", "preview");
});

/** `type name`, in the order of the URNs. */
const title = ({ type, name }: RecordedResource) => `${type} ${name}`;
const isKubernetes = ({ type }: RecordedResource) => type.startsWith("kubernetes:");

describe("the dev stack", () => {
  it("is exactly these resources", () => {
    expect(dev.resources.map(title).sort()).toEqual([
      "drydock:apps:Workload nginx",
      "drydock:apps:Workload renderer",
      "drydock:apps:Workload uploader",
      "drydock:infra:CoreDns cluster-coredns",
      "drydock:infra:LocalCluster cluster",
      "drydock:infra:LocalStorage cluster-storage",
      "drydock:infra:MetricsServer cluster-metrics",
      "drydock:infra:Platform platform",
      "drydock:infra:WorkloadNamespace platform-web",
      "drydock:local:Cluster cluster-local",
      "drydock:local:Image cluster-metrics-image",
      "drydock:local:Image cluster-storage-image",
      "drydock:local:Image nginx-image",
      "drydock:local:Image renderer-image",
      "drydock:local:Image uploader-image",
      "kubernetes:apiregistration.k8s.io/v1:APIService cluster-metrics",
      "kubernetes:apps/v1:Deployment cluster-coredns",
      "kubernetes:apps/v1:Deployment cluster-metrics",
      "kubernetes:apps/v1:Deployment cluster-storage",
      "kubernetes:apps/v1:Deployment nginx",
      "kubernetes:apps/v1:Deployment renderer",
      "kubernetes:apps/v1:StatefulSet uploader",
      "kubernetes:core/v1:ConfigMap cluster-coredns-config",
      "kubernetes:core/v1:ConfigMap cluster-storage-config",
      "kubernetes:core/v1:ConfigMap nginx-content",
      "kubernetes:core/v1:LimitRange platform-web-defaults",
      "kubernetes:core/v1:Namespace cluster-storage",
      "kubernetes:core/v1:Namespace platform-web",
      "kubernetes:core/v1:ResourceQuota platform-web-quota",
      "kubernetes:core/v1:Service cluster-coredns",
      "kubernetes:core/v1:Service cluster-metrics",
      "kubernetes:core/v1:Service nginx",
      "kubernetes:core/v1:Service renderer",
      "kubernetes:core/v1:Service uploader",
      "kubernetes:core/v1:Service uploader-headless",
      "kubernetes:core/v1:ServiceAccount cluster-coredns",
      "kubernetes:core/v1:ServiceAccount cluster-metrics",
      "kubernetes:core/v1:ServiceAccount cluster-storage",
      "kubernetes:core/v1:ServiceAccount nginx",
      "kubernetes:core/v1:ServiceAccount renderer",
      "kubernetes:core/v1:ServiceAccount uploader",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy cluster-coredns",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy cluster-storage",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy nginx",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy platform-web-default-deny",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy renderer",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy uploader",
      "kubernetes:policy/v1:PodDisruptionBudget nginx",
      "kubernetes:policy/v1:PodDisruptionBudget renderer",
      "kubernetes:policy/v1:PodDisruptionBudget uploader",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole cluster-coredns",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole cluster-metrics",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole cluster-metrics-reader",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole cluster-storage",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding cluster-coredns",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding cluster-metrics",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding cluster-metrics-delegator",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding cluster-storage",
      "kubernetes:rbac.authorization.k8s.io/v1:Role cluster-storage",
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding cluster-metrics-authentication",
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding cluster-storage",
      "kubernetes:storage.k8s.io/v1:StorageClass cluster-storage",
      "pulumi:providers:kubernetes cluster-kubernetes",
      "pulumi:pulumi:Stack drydock-dev",
    ]);
  });

  it("shows in the first preview all of an app but what only an update can tell", () => {
    const unknown = preview.resources
      .filter(({ parent }) => parent.endsWith("::nginx"))
      .flatMap(({ name, inputs }) => unknownPaths(inputs).map((path) => `${name}${path}`));
    expect(unknown.sort()).toEqual([
      "nginx.spec.template.spec.containers.0.image",
      "nginx.spec.template.spec.volumes.0.configMap.name",
    ]);
  });

  it("lets every Kubernetes object go with the cluster", () => {
    const cluster = dev.resources.find(({ type }) => type === "drydock:local:Cluster");
    const staying = dev.resources
      .filter(isKubernetes)
      .filter(({ options }) => options.deletedWith !== cluster?.urn);
    expect(staying.map(title)).toEqual([]);
  });

  it("lets no default provider reach an ambient kubeconfig", () => {
    expect(stackFile("dev").config["pulumi:disable-default-providers"]).toEqual(["kubernetes"]);
  });

  it("has these outputs, the kubeconfig a secret", () => {
    expect(Object.keys(dev.outputs).sort()).toEqual([
      "clusterName",
      "kubeconfig",
      "nginxUrl",
      "servesTraffic",
      "uploaderUrl",
    ]);
    expect(dev.outputs).toMatchObject({
      clusterName: "dev",
      nginxUrl: "http://127.0.0.1:8080",
      uploaderUrl: "http://uploader.web.svc",
    });
    expect(dev.outputs.kubeconfig).toBeInstanceOf(Secret);
  });

  it("makes every object of the app wait for the rules of its namespace", () => {
    const rules = dev.resources
      .filter(({ parent }) => parent.endsWith("WorkloadNamespace::platform-web"))
      .map(({ urn }) => urn);
    const early = dev.resources
      .filter(({ name, ...one }) => isKubernetes({ name, ...one }) && name.startsWith("nginx"))
      .filter(({ dependencies }) => !rules.every((urn) => dependencies.includes(urn)));
    expect(rules).toHaveLength(4);
    expect(early.map(title)).toEqual(["kubernetes:core/v1:Service nginx"]); // After the Deployment.
  });
});
