import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { appLabels, selectorLabels } from "../labels";
import { restrictedContainer, restrictedPod } from "../security";
import { spread } from "../spread";
import { CONTENT_DIRECTORY, DRAIN_COMMAND, HEALTH_PATH, HTTP_PORT } from "./image/recipe";

export interface NginxPodArgs {
  readonly app: string;
  readonly image: pulumi.Input<string>;
  /** A plain text, so that a preview shows it. */
  readonly serviceAccountName: string;
  /** ConfigMap with the files of the site. */
  readonly content: pulumi.Input<string>;
  /** Kubernetes quantities. The memory is request and limit at once. */
  readonly resources: { readonly cpu: string; readonly memory: string };
  readonly zones: readonly string[];
}

/** The template of nginx's pods. */
export function nginxPod(args: NginxPodArgs): types.input.core.v1.PodTemplateSpec {
  const { app, serviceAccountName } = args;
  return {
    metadata: { labels: { ...appLabels(app) } },
    spec: {
      serviceAccountName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: restrictedPod,
      terminationGracePeriodSeconds: 30,
      topologySpreadConstraints: spread(selectorLabels(app), args.zones),
      containers: [nginxContainer(args)],
      volumes: [
        { name: "cool-volume", configMap: { name: args.content } },
        { name: "tmp", emptyDir: { sizeLimit: "16Mi" } },
      ],
    },
  };
}

function nginxContainer({ image, resources }: NginxPodArgs): types.input.core.v1.Container {
  const { cpu, memory } = resources;
  return {
    name: "nginx",
    // accepted container-image-pull-policy of Deployment nginx: the digest says what is run; a pull at each
    // start would make every restart depend on the registry.
    image,
    ports: [{ name: "http", containerPort: HTTP_PORT }],
    // accepted CKV_K8S_40 of Deployment nginx: the id is the image's own, 101, so that another image can have
    // another; no path of the host is mounted, no capability is left.
    // accepted container-security-context-user-group-id of Deployment nginx: the same.
    securityContext: restrictedContainer,
    // accepted CKV_K8S_11 of Deployment nginx: a limit of CPU throttles answers while the node idles; the
    // request is what a pod is sure of, and the namespace's quota bounds the sum.
    // accepted container-resources of Deployment nginx: the same.
    // accepted container-ephemeral-storage-request-and-limit of Deployment nginx: the root is read-only, /tmp
    // has a size limit, and the kubelet rotates the logs.
    resources: { requests: { cpu, memory }, limits: { memory } },
    ...probes(),
    // Ends keep-alive connections before nginx is told to quit, and outlasts kube-proxy's update.
    lifecycle: { preStop: { exec: { command: [DRAIN_COMMAND] } } },
    volumeMounts: [
      { name: "cool-volume", mountPath: CONTENT_DIRECTORY, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

// accepted pod-probes-identical of Deployment nginx: it serves files and waits for nothing: it is ready as soon as
// it answers. Liveness waits twice as often before it acts.
function probes() {
  const httpGet = { path: HEALTH_PATH, port: "http" };
  return {
    startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: { httpGet, periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { httpGet, periodSeconds: 10, failureThreshold: 3 },
  };
}
