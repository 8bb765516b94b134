import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { pinnedKubernetesVersion } from "../../config/kubernetes-versions";
import { exceptions } from "../../policy/exceptions";
import { LOCAL_STORAGE_CLASS } from "./capabilities";
import { ONE_POD } from "./one-node";
import { VOLUMES_FOLDER } from "./runtime/spec";
import { CONFIG, NAME, NAMESPACE, podTemplate } from "./storage-pods";

const PROVISIONER = "rancher.io/local-path";
const LABELS = {
  "app.kubernetes.io/name": NAME,
  "app.kubernetes.io/part-of": "drydock",
};

const UNTIL = "2027-04-30";
const PRIVILEGED = exceptions({
  "namespace-pod-security": {
    until: UNTIL,
    reason: "its pods make and clear the folders of volumes on the node: restricted forbids that",
  },
  "namespace-quota": {
    until: UNTIL,
    reason: "one small pod runs here for each volume that comes or goes: a quota would only delay",
  },
});
const STARTS_PODS = exceptions({
  "role-no-escalation": {
    until: UNTIL,
    reason: "a volume's folder is made by a pod on its node, in this namespace alone",
  },
});
const MAKES_VOLUMES = exceptions({
  "role-no-escalation": {
    until: UNTIL,
    reason: "to write PersistentVolumes is what it is for",
  },
});
const SERVES_NOBODY = "it listens at no port";
const ON_ONE_NODE = exceptions({
  "workload-min-replicas": ONE_POD,
  "workload-rolling-update": {
    until: UNTIL,
    reason: "two of it at a time would each make every volume",
  },
  "container-readiness-probe": { until: UNTIL, reason: SERVES_NOBODY },
  "container-liveness-probe": { until: UNTIL, reason: SERVES_NOBODY },
});

export interface StorageArgs {
  /** Image of rancher/local-path-provisioner, with a shell. */
  readonly image: pulumi.Input<string>;
  /** The node on which volumes are real; none is made on simulated ones. */
  readonly nodeName: string;
  /** What becomes of a volume whose claim is deleted. */
  readonly reclaimPolicy: "Retain" | "Delete";
}

/** Volumes on demand: folders of the real node, in the cluster's own folder on this machine. */
export class Storage extends pulumi.ComponentResource {
  constructor(name: string, args: StorageArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:LocalStorage", name, {}, opts);
    const child = { parent: this };
    const namespace = new k8s.core.v1.Namespace(
      name,
      { metadata: { name: NAMESPACE, labels: namespaceLabels(), annotations: PRIVILEGED } },
      child,
    );
    const within = { ...child, dependsOn: [namespace] };
    const metadata = { name: NAME, namespace: NAMESPACE, labels: LABELS };
    const access = this.access(name, metadata, within);
    const closed = this.networkPolicy(name, metadata, within);
    // Under a fixed name: the provisioner reads it again every 30 s.
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      {
        metadata: { ...metadata, name: CONFIG },
        data: settings(args),
      },
      within,
    );
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata, annotations: ON_ONE_NODE },
        spec: {
          replicas: 1,
          selector: { matchLabels: LABELS },
          strategy: { type: "Recreate" },
          template: podTemplate(args.image, LABELS),
        },
      },
      { ...within, dependsOn: [...access, closed, config] },
    );
    this.storageClass(name, args);
    this.registerOutputs({});
  }

  private storageClass(name: string, { nodeName, reclaimPolicy }: StorageArgs): void {
    const values = [nodeName];
    new k8s.storage.v1.StorageClass(
      name,
      {
        metadata: {
          name: LOCAL_STORAGE_CLASS,
          labels: LABELS,
          annotations: {
            "storageclass.kubernetes.io/is-default-class": "true",
            // Of the two kinds the one that knows a pod's fsGroup, and misses a folder that is gone.
            defaultVolumeType: "local",
          },
        },
        provisioner: PROVISIONER,
        reclaimPolicy,
        volumeBindingMode: "WaitForFirstConsumer",
        // A folder has no size: it can neither be limited nor grown.
        allowVolumeExpansion: false,
        // With it the scheduler keeps pods that want a volume away from simulated nodes.
        allowedTopologies: [{ matchLabelExpressions: [{ key: "kubernetes.io/hostname", values }] }],
      },
      { parent: this, deleteBeforeReplace: true },
    );
  }

  private networkPolicy(
    name: string,
    metadata: Metadata,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource {
    // It serves nobody, and speaks to the API server alone: by its Service's port or its own.
    const ports = [443, 6443].map((port) => ({ protocol: "TCP", port }));
    return new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], egress: [{ ports }] },
      },
      opts,
    );
  }

  private access(
    name: string,
    metadata: Metadata,
    within: pulumi.CustomResourceOptions,
  ): pulumi.Resource[] {
    const child = { parent: this };
    const { labels } = metadata;
    const account = new k8s.core.v1.ServiceAccount(name, { metadata }, within);
    const subjects = [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }];
    const rbac = "rbac.authorization.k8s.io";
    const role = new k8s.rbac.v1.Role(
      name,
      { metadata: { ...metadata, annotations: STARTS_PODS }, rules: helperRules },
      within,
    );
    const binding = new k8s.rbac.v1.RoleBinding(
      name,
      { metadata, roleRef: { apiGroup: rbac, kind: "Role", name: NAME }, subjects },
      { ...within, dependsOn: [role, account] },
    );
    const clusterRole = new k8s.rbac.v1.ClusterRole(
      name,
      {
        metadata: { name: NAME, labels, annotations: MAKES_VOLUMES },
        rules: volumeRules,
      },
      child,
    );
    const clusterBinding = new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name: NAME, labels },
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: NAME },
        subjects,
      },
      { ...child, dependsOn: [clusterRole, account] },
    );
    return [binding, clusterBinding];
  }
}

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
}

const helperRules = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "create", "delete"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
];

const volumeRules = [
  {
    apiGroups: [""],
    resources: ["nodes", "persistentvolumeclaims"],
    verbs: ["get", "list", "watch"],
  },
  {
    apiGroups: [""],
    resources: ["persistentvolumes"],
    verbs: ["get", "list", "watch", "create", "patch", "update", "delete"],
  },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  {
    apiGroups: ["storage.k8s.io"],
    resources: ["storageclasses"],
    verbs: ["get", "list", "watch"],
  },
];

function namespaceLabels(): Record<string, string> {
  return {
    "app.kubernetes.io/part-of": "drydock",
    "pod-security.kubernetes.io/enforce": "privileged",
    "pod-security.kubernetes.io/enforce-version": `v${pinnedKubernetesVersion}`,
  };
}

/** Where the folders of volumes lie, and what makes and clears one. */
function settings({ nodeName }: StorageArgs): Record<string, string> {
  return {
    "config.json": JSON.stringify({ nodePathMap: [{ node: nodeName, paths: [VOLUMES_FOLDER] }] }),
    // Open to every user: the pod that gets it may run as any.
    setup: '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
    teardown: '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
  };
}
