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
    image,
    ports: [{ name: "http", containerPort: HTTP_PORT }],
    securityContext: restrictedContainer,
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

function probes() {
  const httpGet = { path: HEALTH_PATH, port: "http" };
  return {
    startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: { httpGet, periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { httpGet, periodSeconds: 10, failureThreshold: 3 },
  };
}
