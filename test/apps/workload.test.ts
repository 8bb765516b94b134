import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";

import { AppSecret, type Place, POD_NAME, Workload } from "../../apps/workload";
import { rules } from "../../policy/rules";
import type { Capabilities } from "../../infra/cluster";
import { containsSecret } from "../../toolchain/plugin/values";
import { askPack } from "../policy/support/pack";
import { asked } from "../policy/support/recorded";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import { type Manifest, manifests } from "../support/manifests";
import type { Recording } from "../../review/recording/recorder";
import { record } from "../../review/recording/recording";
import { place } from "./place";

const image = `example.com/app@sha256:${"a".repeat(64)}`;
const resources = { cpu: "50m", memory: "64Mi" } as const;
const server = {
  image,
  resources,
  ports: { http: 8080 },
  health: { path: "/healthz", port: "http" },
} as const;

function recorded(
  program: (place: Place) => Record<string, unknown>,
  capabilities: Partial<Capabilities> = {},
): Promise<Recording> {
  return record(() => Promise.resolve(program(place(capabilities))), {
    mode: "update",
    model: { resources: kubernetesModel, functions: {} },
  });
}

/** The spec of the one object of its kind that is not the namespace's. */
function spec(recording: Recording, kind: string, name?: string): Record<string, unknown> {
  const found = manifests(recording)
    .filter((one) => one.kind === kind && one.metadata.name !== "default-deny")
    .filter((one) => name === undefined || one.metadata.name === name);
  expect(found.map(({ metadata }) => metadata.name ?? "")).toHaveLength(1);
  return found[0]?.spec as unknown as Record<string, unknown>;
}

function podSpec(recording: Recording, kind = "Deployment"): Record<string, unknown> {
  return (spec(recording, kind).template as { spec: Record<string, unknown> }).spec;
}

const kinds = (recording: Recording) =>
  manifests(recording)
    .filter(({ metadata }) => metadata.name?.startsWith("app") === true)
    .map(({ kind, metadata }: Manifest) => `${kind} ${metadata.name ?? ""}`);

describe("a workload", () => {
  it("is complete with an image, a check and a size", async () => {
    const recording = await recorded((place) => {
      const { url } = new Workload("app", { place, replicas: 2, containers: { app: server } });
      return { url };
    });
    expect(kinds(recording).sort()).toEqual([
      "Deployment app",
      "NetworkPolicy app",
      "PodDisruptionBudget app",
      "ServiceAccount app",
    ]);
    expect(recording.outputs).toEqual({ url: "" });
    expect(spec(recording, "NetworkPolicy")).toEqual({
      podSelector: { matchLabels: { "app.kubernetes.io/name": "app" } },
      policyTypes: ["Ingress", "Egress"],
    });
    const { containers, ...pod } = podSpec(recording);
    expect(pod).toEqual({
      serviceAccountName: "app",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      terminationGracePeriodSeconds: 30,
      topologySpreadConstraints: [expect.anything()],
    });
    const httpGet = { path: "/healthz", port: "http" };
    expect(containers).toEqual([
      {
        name: "app",
        image,
        ports: [{ name: "http", containerPort: 8080 }],
        securityContext: {
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { ...resources }, limits: { memory: "64Mi" } },
        startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 30 },
        readinessProbe: { httpGet, periodSeconds: 5, failureThreshold: 2 },
        livenessProbe: { httpGet, periodSeconds: 10, failureThreshold: 3 },
      },
    ]);
  });

  it("is called by name by those it names, and by nobody else", async () => {
    const recording = await recorded((place) => {
      const back = new Workload("app-back", {
        place,
        replicas: 2,
        containers: { app: { ...server, ports: { http: 8080, metrics: 9090 } } },
        service: { ports: { http: 80 }, from: ["app-front"] },
      });
      const reaches = [back.endpoint("http")];
      new Workload("app-front", { place, replicas: 2, containers: { app: server }, reaches });
      expect(() => back.endpoint("metrics")).toThrow(
        "The Service of app-back has no port metrics.",
      );
      return { url: reaches[0]?.url };
    });
    expect(recording.outputs).toEqual({ url: "http://app-back.web.svc" });
    const pods = (name: string) => ({ matchLabels: { "app.kubernetes.io/name": name } });
    const ports = [{ protocol: "TCP", port: 8080 }];
    expect(spec(recording, "NetworkPolicy", "app-back")).toMatchObject({
      ingress: [{ from: [{ podSelector: pods("app-front") }], ports }],
    });
    expect(spec(recording, "NetworkPolicy", "app-back").egress).toBeUndefined();
    const front = spec(recording, "NetworkPolicy", "app-front");
    expect(front.ingress).toBeUndefined();
    const inNamespace = (name: string) => ({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
    });
    expect(front.egress).toEqual([
      {
        to: [
          {
            ...inNamespace("kube-system"),
            podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
          },
        ],
      },
      { to: [{ ...inNamespace("web"), podSelector: pods("app-back") }], ports },
    ]);
  });

  it("lets a Service forget a pod before the pod ends", async () => {
    const served = await recorded((place) => {
      const service = { ports: { http: 80 }, from: [] };
      new Workload("app", { place, replicas: 2, containers: { app: server }, service });
      return {};
    });
    expect(podSpec(served).containers).toMatchObject([
      { lifecycle: { preStop: { sleep: { seconds: 4 } } } },
    ]);
  });

  it("starts init containers, then sidecars, then the rest", async () => {
    const recording = await recorded((place) => {
      new Workload("app", {
        place,
        replicas: 2,
        containers: {
          app: { ...server, mounts: { shared: { path: "/srv", subPath: "in" } } },
          other: { image, resources, health: { command: ["/bin/true"] } },
        },
        sidecars: {
          log: { image, resources, ports: { log: 9090 }, mounts: { shared: "/log" } },
        },
        init: { prepare: { image, resources, args: ["--once"] } },
        volumes: { shared: { emptyDir: "8Mi", medium: "Memory" } },
        service: { ports: { http: 80, log: 81 }, from: "loadBalancer" },
      });
      return {};
    });
    const { initContainers, containers, volumes } = podSpec(recording);
    expect(initContainers).toMatchObject([
      { name: "prepare", args: ["--once"] },
      {
        name: "log",
        restartPolicy: "Always",
        volumeMounts: [{ name: "shared", mountPath: "/log" }],
      },
    ]);
    expect((initContainers as object[])[0]).not.toHaveProperty("restartPolicy");
    expect(containers).toMatchObject([
      { name: "app", volumeMounts: [{ name: "shared", mountPath: "/srv", subPath: "in" }] },
      { name: "other", livenessProbe: { exec: { command: ["/bin/true"] } } },
    ]);
    expect(volumes).toEqual([{ name: "shared", emptyDir: { sizeLimit: "8Mi", medium: "Memory" } }]);
    expect(spec(recording, "Service").ports).toEqual([
      { name: "http", protocol: "TCP", port: 80, targetPort: "http" },
      { name: "log", protocol: "TCP", port: 81, targetPort: "log" },
    ]);
  });

  it("leaves its count to the autoscaler that it has", async () => {
    const recording = await recorded((place) => {
      const replicas = { min: 2, max: 6, cpuPercent: 70 };
      new Workload("app", { place, replicas, containers: { app: server } });
      return {};
    });
    expect(spec(recording, "Deployment")).not.toHaveProperty("replicas");
    expect(spec(recording, "HorizontalPodAutoscaler")).toEqual({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" },
      minReplicas: 2,
      maxReplicas: 6,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
        },
      ],
    });
  });

  it("brings the values of a secret as files and variables, and shows none", async () => {
    const recording = await recorded((place) => {
      const secret = new AppSecret("app-keys", {
        namespace: "web",
        data: { token: "canary-3f9a", other: pulumi.output("canary-77b1") },
      });
      new Workload("app", {
        place,
        replicas: 2,
        containers: {
          app: {
            ...server,
            env: { POD: POD_NAME, PLAIN: "text", TOKEN: secret.variable("token") },
            mounts: { keys: "/run/keys" },
          },
        },
        volumes: { keys: secret.files("token") },
      });
      return {};
    });
    const { containers, volumes } = podSpec(recording);
    expect(volumes).toEqual([
      {
        name: "keys",
        secret: {
          secretName: "app-keys-xxxxxxxx",
          items: [{ key: "token", path: "token" }],
          defaultMode: 0o440,
        },
      },
    ]);
    expect(containers).toMatchObject([
      {
        env: [
          { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: "PLAIN", value: "text" },
          {
            name: "TOKEN",
            valueFrom: { secretKeyRef: { name: "app-keys-xxxxxxxx", key: "token" } },
          },
        ],
        volumeMounts: [{ name: "keys", mountPath: "/run/keys", readOnly: true }],
      },
    ]);
    const secret = recording.resources.find(({ type }) => type.endsWith(":Secret"));
    expect(containsSecret(secret?.inputs.stringData)).toBe(true);
  });
});

describe("a workload with storage", () => {
  const stateful = (orEmptyDir?: boolean) => (place: Place) => {
    const { url } = new Workload("app", {
      place,
      replicas: 2,
      containers: { app: { ...server, mounts: { data: "/data" } } },
      volumes: { data: { perReplica: "1Gi", ...(orEmptyDir !== undefined && { orEmptyDir }) } },
      service: { ports: { http: 80 }, from: [] },
      protect: true,
    });
    return { url };
  };

  it("is a StatefulSet with a volume for each replica, which stays", async () => {
    const recording = await recorded(stateful(), { storageClass: "fast" });
    expect(spec(recording, "StatefulSet")).toMatchObject({
      serviceName: "app-headless",
      podManagementPolicy: "Parallel",
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "1Gi" } },
          },
        },
      ],
    });
    expect(podSpec(recording, "StatefulSet").securityContext).toMatchObject({ fsGroup: 65532 });
    expect(spec(recording, "Service", "app-headless")).toMatchObject({ clusterIP: "None" });
    const { options } = recording.resources.find(({ type }) => type.endsWith(":StatefulSet")) ?? {};
    expect(options?.protect).toBe(true);
    expect(recording.outputs).toEqual({ url: "http://app.web.svc" });
  });

  it("takes an emptyDir where the cluster makes no volumes and the app bears that", async () => {
    const recording = await recorded(stateful(true));
    expect(spec(recording, "StatefulSet")).not.toHaveProperty("volumeClaimTemplates");
    expect(podSpec(recording, "StatefulSet").volumes).toEqual([
      { name: "data", emptyDir: { sizeLimit: "1Gi" } },
    ]);
  });

  it("is refused where the cluster makes no volumes and it needs one", async () => {
    await expect(recorded(stateful())).rejects.toThrow(
      "the volume data of app cannot be made\n" +
        "  why: the cluster has no StorageClass, which would make volumes on demand\n" +
        "  fix: give the cluster a default StorageClass, or leave the app out",
    );
  });

  it("shares one volume among the pods of a Deployment", async () => {
    const recording = await recorded(
      (place) => {
        new Workload("app", {
          place,
          replicas: 2,
          containers: { app: { ...server, mounts: { data: "/data" } } },
          volumes: { data: { shared: "5Gi", access: "ReadWriteMany" } },
        });
        return {};
      },
      { storageClass: "efs" },
    );
    expect(podSpec(recording).volumes).toEqual([
      { name: "data", persistentVolumeClaim: { claimName: "app-data" } },
    ]);
    expect(spec(recording, "PersistentVolumeClaim")).toEqual({
      accessModes: ["ReadWriteMany"],
      storageClassName: "efs",
      resources: { requests: { storage: "5Gi" } },
    });
  });
});

describe("what the policies say of the defaults", () => {
  it.each([
    ["a Deployment", { emptyDir: "1Mi" }],
    ["a StatefulSet", { perReplica: "1Gi" }],
    ["a Deployment with a shared volume", { shared: "1Gi", access: "ReadWriteMany" }],
  ] as const)("is nothing of %s with all parts", async (_, data) => {
    const recording = await recorded(
      (place) => {
        const secret = new AppSecret("app-keys", { namespace: "web", data: { key: "text" } });
        const replicas = { min: 2, max: 4, cpuPercent: 80 };
        new Workload("app", {
          place,
          replicas,
          containers: { app: { ...server, mounts: { data: "/data", keys: "/keys" } } },
          sidecars: { side: { image, resources } },
          init: { once: { image, resources } },
          volumes: { data, keys: secret.files("key") },
          service: { ports: { http: 80 }, from: "loadBalancer" },
          protect: true,
        });
        return {};
      },
      { storageClass: "fast", zones: ["a", "b"] },
    );
    const found = askPack(asked(recording));
    expect(rules.length).toBeGreaterThan(90);
    expect(found.map(({ rule, urn, message }) => `${rule} ${urn} ${message}`)).toEqual([]);
  });
});
