import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { TOGETHER } from "./one-node";

export const NAMESPACE = "local-path-storage";
/** Of the provisioner's Deployment and account. */
export const NAME = "local-path-provisioner";
/** Of the ConfigMap with its settings. */
export const CONFIG = "local-path-config";
const CONFIG_FOLDER = "/etc/local-path-provisioner";
const HELPER_POD = "drydock.dev/helper-pod";
const NOBODY = 65532;

/** The pod that makes or clears a volume's folder. */
function helperPod(image: pulumi.Input<string>) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "helper-pod",
      labels: { "app.kubernetes.io/part-of": "drydock" },
      annotations: TOGETHER,
    },
    spec: {
      priorityClassName: "system-node-critical",
      automountServiceAccountToken: false,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "helper-pod",
          image,
          securityContext: {
            runAsUser: 0,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            // To remove what pods have written, as whichever user.
            capabilities: { drop: ["ALL"], add: ["DAC_OVERRIDE", "FOWNER"] },
          },
          resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "32Mi" } },
        },
      ],
    },
  };
}

const configSources = [
  { configMap: { name: CONFIG } },
  {
    downwardAPI: {
      items: [
        {
          path: "helperPod.yaml",
          fieldRef: { fieldPath: `metadata.annotations['${HELPER_POD}']` },
        },
      ],
    },
  },
];

/** The provisioner's, with its helper's in an annotation: a change of either replaces it. */
export function podTemplate(
  image: pulumi.Input<string>,
  labels: Readonly<Record<string, string>>,
): k8s.types.input.core.v1.PodTemplateSpec {
  const annotations = { ...TOGETHER, [HELPER_POD]: pulumi.jsonStringify(helperPod(image)) };
  return { metadata: { labels: { ...labels }, annotations }, spec: podSpec(image) };
}

function podSpec(image: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  const file = (name: string) => `${CONFIG_FOLDER}/${name}`;
  const options = {
    config: file("config.json"),
    "helper-pod-file": file("helperPod.yaml"),
    "configmap-name": CONFIG,
    namespace: NAMESPACE,
    "service-account-name": NAME,
  };
  const flags = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
  return {
    serviceAccountName: NAME,
    priorityClassName: "system-cluster-critical",
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NOBODY,
      runAsGroup: NOBODY,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: NAME,
        image,
        command: ["local-path-provisioner", "start", ...flags],
        env: [
          { name: "CONFIG_MOUNT_PATH", value: CONFIG_FOLDER },
          // A small heap rather than few collections: it sleeps most of its life.
          { name: "GOMEMLIMIT", value: "24MiB" },
          { name: "GOGC", value: "50" },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "96Mi" } },
        volumeMounts: [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }],
      },
    ],
    volumes: [{ name: "config", projected: { sources: configSources } }],
  };
}
