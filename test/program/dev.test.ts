import { beforeAll, describe, expect, it } from "vitest";

import { containsSecret, type PropertyMap, Secret } from "../../toolchain/plugin/values";
import { recordProgram } from "../support/program";
import { plain, type RecordedResource } from "../support/recorded";
import { type Recording, recordingText } from "../support/recording";
import { stackFile } from "../support/stack-file";

let dev: Recording;
let preview: Recording;
beforeAll(async () => {
  dev = await recordProgram("dev", "update");
  preview = await recordProgram("dev", "preview");
});

/** `type name`, in the order of the URNs. */
const title = ({ type, name }: RecordedResource) => `${type} ${name}`;
const isKubernetes = ({ type }: RecordedResource) => type.startsWith("kubernetes:");
const byUrn = (urn: string) => dev.resources.find((one) => one.urn === urn);

function inputsOf(type: string, name: string): PropertyMap {
  const found = dev.resources.find((one) => one.type === type && one.name === name);
  if (found === undefined) throw new Error(`There is no ${type} ${name}.`);
  return found.inputs;
}

describe("the dev stack", () => {
  it("is exactly these resources", () => {
    expect(dev.resources.map(title).sort()).toEqual([
      "drydock:apps:Nginx nginx",
      "drydock:infra:CoreDns cluster-coredns",
      "drydock:infra:LocalCluster cluster",
      "drydock:infra:Platform platform",
      "drydock:infra:WorkloadNamespace platform-web",
      "drydock:local:Cluster cluster-local",
      "drydock:local:Image nginx-image",
      "kubernetes:apps/v1:Deployment cluster-coredns",
      "kubernetes:apps/v1:Deployment nginx",
      "kubernetes:core/v1:ConfigMap cluster-coredns-config",
      "kubernetes:core/v1:ConfigMap nginx-content",
      "kubernetes:core/v1:LimitRange platform-web-defaults",
      "kubernetes:core/v1:Namespace platform-web",
      "kubernetes:core/v1:ResourceQuota platform-web-quota",
      "kubernetes:core/v1:Service cluster-coredns",
      "kubernetes:core/v1:Service nginx",
      "kubernetes:core/v1:ServiceAccount cluster-coredns",
      "kubernetes:core/v1:ServiceAccount nginx",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy nginx-ingress",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy platform-web-default-deny",
      "kubernetes:policy/v1:PodDisruptionBudget nginx",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole cluster-coredns",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding cluster-coredns",
      "pulumi:providers:kubernetes cluster-kubernetes",
      "pulumi:pulumi:Stack drydock-dev",
    ]);
  });

  it("shows in the first preview what an update makes", () => {
    expect(preview.resources.map(title)).toEqual(dev.resources.map(title));
  });

  it("shows in the first preview all of an app but what only an update can tell", () => {
    const unknown = preview.resources
      .filter(({ parent }) => parent.endsWith("::nginx"))
      .flatMap(({ name, inputs }) => unknownPaths(plain(inputs)).map((path) => `${name}${path}`));
    expect(unknown.sort()).toEqual([
      "nginx.spec.template.spec.containers.0.image",
      "nginx.spec.template.spec.volumes.0.configMap.name",
    ]);
  });

  it("is the same twice", async () => {
    expect(recordingText(await recordProgram("dev", "update"))).toBe(recordingText(dev));
  });

  it("gives every resource a parent, whose name begins its own", () => {
    const children = dev.resources.filter(({ type }) => type !== "pulumi:pulumi:Stack");
    const isTop = ({ parent }: RecordedResource) => byUrn(parent)?.type === "pulumi:pulumi:Stack";
    const strays = children.filter(
      (one) => !isTop(one) && !one.name.startsWith(byUrn(one.parent)?.name ?? "no parent"),
    );
    // The cluster builds it, and it is named after the app that it is for.
    expect(strays.map(title)).toEqual(["drydock:local:Image nginx-image"]);
    expect(children.filter(isTop).map(title)).toEqual([
      "drydock:apps:Nginx nginx",
      "drydock:infra:LocalCluster cluster",
      "drydock:infra:Platform platform",
    ]);
  });

  it("gives every Kubernetes object the provider of the cluster", () => {
    const provider = dev.resources.find(({ type }) => type === "pulumi:providers:kubernetes");
    const providers = new Set(dev.resources.filter(isKubernetes).map((one) => one.provider));
    expect([...providers]).toEqual([provider?.urn]);
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

  it("registers the outputs of every component", () => {
    const components = dev.resources.filter(({ custom }) => !custom);
    expect(components.filter(({ outputs }) => outputs === undefined).map(title)).toEqual([]);
  });

  it("has these outputs, the kubeconfig a secret", () => {
    expect(Object.keys(dev.outputs).sort()).toEqual([
      "clusterName",
      "kubeconfig",
      "nginxUrl",
      "servesTraffic",
    ]);
    expect(dev.outputs).toMatchObject({
      clusterName: "dev",
      nginxUrl: "http://127.0.0.1:8080",
    });
    expect(dev.outputs.kubeconfig).toBeInstanceOf(Secret);
  });

  it("keeps the kubeconfig secret wherever it goes", () => {
    const provider = inputsOf("pulumi:providers:kubernetes", "cluster-kubernetes");
    expect(containsSecret(provider.kubeconfig)).toBe(true);
    const clear = dev.resources.filter((one) =>
      JSON.stringify([withoutSecrets(one.inputs), withoutSecrets(one.outputs ?? {})]).includes(
        "kind: Config",
      ),
    );
    expect(clear.map(title)).toEqual([]);
  });

  it("has one object of each kind, namespace and name", () => {
    const identities = dev.resources.filter(isKubernetes).map(({ type, inputs }) => {
      const { name, namespace } = inputs.metadata as { name?: string; namespace?: string };
      return name === undefined ? undefined : `${type} ${namespace ?? ""}/${name}`;
    });
    const fixed = identities.filter((identity) => identity !== undefined);
    expect(new Set(fixed).size).toBe(fixed.length);
    expect(fixed).toContain("kubernetes:apps/v1:Deployment web/nginx");
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

function unknownPaths(value: unknown, path = ""): string[] {
  if (value === "[unknown]") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => unknownPaths(child, `${path}.${key}`));
}

function withoutSecrets(value: PropertyMap): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, child: unknown) => (child instanceof Secret ? null : child)),
  );
}
