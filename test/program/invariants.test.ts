import { beforeAll, describe, expect, it } from "vitest";

import { bytes, millicores } from "../../config/quantity";
import {
  type Manifest,
  manifests,
  type PodTemplate,
  selectorOf,
  selects,
} from "../support/manifests";
import { recordProgram } from "../../review/recording/program";

/** What must hold of the Kubernetes objects of every stack, whatever they are. */
describe.each(["dev", "prod", "small"])("the objects of the %s stack", (stack) => {
  let objects: readonly Manifest[];
  let pods: readonly { readonly owner: Manifest; readonly template: PodTemplate }[];
  beforeAll(async () => {
    objects = manifests(await recordProgram(stack, "update"));
    pods = objects.flatMap((owner) =>
      ["Deployment", "StatefulSet"].includes(owner.kind) && owner.spec?.template !== undefined
        ? [{ owner, template: owner.spec.template }]
        : [],
    );
  });

  const title = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name ?? "(named later)"}`;
  const together = (a: Manifest, b: Manifest) => a.metadata.namespace === b.metadata.namespace;
  const podsOf = (object: Manifest) =>
    pods.filter(
      ({ owner, template }) =>
        together(owner, object) && selects(selectorOf(object) ?? {}, template.metadata.labels),
    );
  const named = (kind: string, near: Manifest, name: string) =>
    objects.some((one) => one.kind === kind && together(one, near) && one.metadata.name === name);
  const restrictedNamespaces = () =>
    objects.filter(
      ({ kind, metadata }) =>
        kind === "Namespace" &&
        metadata.labels?.["pod-security.kubernetes.io/enforce"] === "restricted",
    );
  const isRestricted = ({ metadata }: Manifest) =>
    restrictedNamespaces().some((one) => one.metadata.name === metadata.namespace);

  it("have pods", () => {
    expect(pods.map(({ owner }) => title(owner))).toContain("Deployment nginx");
  });

  it("select pods that there are, and each workload its own", () => {
    const selecting = objects.filter((one) => Object.keys(selectorOf(one) ?? {}).length > 0);
    expect(selecting.length).toBeGreaterThanOrEqual(4);
    expect(selecting.filter((one) => podsOf(one).length !== 1).map(title)).toEqual([]);
    const strangers = pods.filter(({ owner }) => podsOf(owner)[0]?.owner !== owner);
    expect(strangers).toEqual([]);
  });

  it("send traffic to ports that there are", () => {
    const dead = objects
      .filter(({ kind }) => kind === "Service")
      .flatMap((service) =>
        (service.spec?.ports ?? [])
          .filter(({ targetPort }) => {
            const ports = podsOf(service).flatMap(({ template }) =>
              template.spec.containers.flatMap((one) => one.ports),
            );
            return !ports.some(
              ({ name, containerPort }) => name === targetPort || containerPort === targetPort,
            );
          })
          .map(({ targetPort }) => `${title(service)}: ${targetPort}`),
      );
    expect(dead).toEqual([]);
  });

  it("admit traffic only to ports that there are, and to each that a Service has", () => {
    const policies = objects.filter(
      (one) =>
        one.kind === "NetworkPolicy" &&
        isRestricted(one) &&
        Object.keys(one.spec?.podSelector ?? {}).length > 0,
    );
    expect(policies.map(title)).toEqual(
      ["nginx", "renderer", "uploader"].map((app) => `NetworkPolicy ${app}`),
    );
    for (const policy of policies) {
      const open = podsOf(policy).flatMap(({ template }) =>
        template.spec.containers.flatMap((one) => one.ports.map((port) => port.containerPort)),
      );
      const rules = policy.spec?.ingress ?? [];
      const admitted = rules.flatMap(({ ports }) => ports.map(({ port }) => port));
      expect(open).toEqual(expect.arrayContaining(admitted));
      // One that is open to nobody in particular stands behind a load balancer, or in its place.
      const everybody = rules.some(({ from }) => from === undefined);
      expect(everybody).toBe(policy.metadata.name === "nginx");
    }
  });

  it("let those call that are let in, and the other way round", () => {
    const policies = objects.filter((one) => one.kind === "NetworkPolicy" && isRestricted(one));
    const label = "app.kubernetes.io/name";
    const calls = policies.flatMap(({ metadata, spec }) =>
      (spec?.egress ?? []).flatMap(({ to }) =>
        to.map(
          (peer) => `${metadata.name ?? ""} -> ${peer.podSelector.matchLabels[label] ?? "DNS"}`,
        ),
      ),
    );
    const admissions = policies.flatMap(({ metadata, spec }) =>
      (spec?.ingress ?? []).flatMap(({ from = [] }) =>
        from.map(
          (peer) => `${peer.podSelector.matchLabels[label] ?? ""} -> ${metadata.name ?? ""}`,
        ),
      ),
    );
    expect(calls).toEqual(["uploader -> DNS", "uploader -> renderer"]);
    expect(admissions).toEqual(["uploader -> renderer"]);
  });

  it("refer to service accounts that there are, and never the default one", () => {
    const missing = pods.filter(
      ({ owner, template }) => !named("ServiceAccount", owner, template.spec.serviceAccountName),
    );
    expect(missing).toEqual([]);
  });

  it("mount volumes that there are", () => {
    const dangling = pods.flatMap(({ owner, template: { spec } }) =>
      allContainers({ spec })
        .flatMap((container) => container.volumeMounts ?? [])
        .filter(({ name }) => !volumesOf(owner, spec).includes(name))
        .map(({ name }) => `${title(owner)}: ${name}`),
    );
    expect(dangling).toEqual([]);
  });

  it("run only pods that the level `restricted` admits, without a token of the API server", () => {
    const inRestricted = pods.filter(({ owner }) => isRestricted(owner));
    expect(inRestricted).not.toEqual([]);
    for (const { template } of inRestricted) {
      expect(template.spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const { securityContext } of allContainers(template)) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      const kinds = (template.spec.volumes ?? []).flatMap(({ name: _, ...volume }) =>
        Object.keys(volume),
      );
      expect(kinds.filter((kind) => !["configMap", "emptyDir"].includes(kind))).toEqual([]);
    }
  });

  it("live in restricted namespaces, but for those of the cluster itself", () => {
    const outside = objects.filter(
      (one) => one.metadata.namespace !== undefined && !isRestricted(one),
    );
    const own = ["kube-system", "local-path-storage"];
    const others = outside.filter(({ metadata }) => !own.includes(metadata.namespace ?? ""));
    expect(others.map(title)).toEqual([]);
  });

  it("deny, in each namespace of workloads, all traffic that no policy admits", () => {
    const denied = objects
      .filter(
        ({ kind, spec }) =>
          kind === "NetworkPolicy" &&
          spec?.ingress === undefined &&
          JSON.stringify(spec?.podSelector) === "{}" &&
          spec?.policyTypes?.join() === "Ingress,Egress",
      )
      .map(({ metadata }) => metadata.namespace);
    const closed = restrictedNamespaces().map(({ metadata }) => metadata.name);
    expect(denied).toEqual(expect.arrayContaining(closed));
    expect(closed).not.toEqual([]);
  });

  it("ask for no more than the quota of their namespace, a rollout included", () => {
    for (const { metadata, spec } of objects.filter(({ kind }) => kind === "ResourceQuota")) {
      const claims = pods
        .filter(({ owner }) => owner.metadata.namespace === metadata.namespace)
        .flatMap(({ owner, template }) =>
          allContainers(template).map(({ resources }) => {
            const count = (owner.spec?.replicas ?? 1) + 1;
            return {
              cpu: count * millicores(resources.requests.cpu ?? ""),
              memory: count * bytes(resources.limits.memory ?? ""),
            };
          }),
        );
      const sum = (of: "cpu" | "memory") => claims.reduce((total, claim) => total + claim[of], 0);
      expect(claims).not.toEqual([]);
      expect(sum("cpu")).toBeLessThanOrEqual(millicores(spec?.hard?.["requests.cpu"] ?? ""));
      expect(sum("memory")).toBeLessThanOrEqual(bytes(spec?.hard?.["limits.memory"] ?? ""));
    }
  });

  it("limit the memory of every container, and probe it where it serves", () => {
    const containers = pods.flatMap(({ template }) => template.spec.containers);
    const careless = containers.filter(
      ({ resources, name, ...probes }) =>
        resources.limits.memory === undefined ||
        (name !== "local-path-provisioner" &&
          (probes.livenessProbe === undefined || probes.readinessProbe === undefined)),
    );
    expect(careless).toEqual([]);
  });
});

function volumesOf(owner: Manifest, spec: PodTemplate["spec"]): string[] {
  const claims = owner.spec?.volumeClaimTemplates?.map(({ metadata }) => metadata.name) ?? [];
  return [...(spec.volumes ?? []).map(({ name }) => name), ...claims];
}

/** Sidecars too. */
function allContainers({ spec }: Pick<PodTemplate, "spec">) {
  return [...(spec.initContainers ?? []), ...spec.containers];
}
