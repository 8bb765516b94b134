import { describe, expect, it } from "vitest";

import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { isMap, type PropertyMap, type PropertyValue } from "../../toolchain/plugin/serve";
import { TestEngine } from "./support/engine";
import { urnOf, useControlPlane } from "./support/fixture";

const pod = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "a" }] } };
const selector = { matchLabels: { a: "b" } };
const claim = (storage: string, name = "data"): PropertyMap => ({
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
});
const jobPod = { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }] } };
const once = { spec: { ...jobPod.spec, containers: [{ name: "a", image: "b" }] } };
const role = (name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "Role", name });

/** Type, declaration, changed part of it, and the path that has to replace the object. */
const rows: [type: string, before: PropertyMap, after: PropertyMap, path: string][] = [
  [
    "core/v1:Service",
    { spec: { ports: [{ port: 80 }] } },
    { spec: { ports: [{ port: 80 }], clusterIP: "None" } },
    "spec.clusterIP",
  ],
  [
    "batch/v1:Job",
    { spec: { suspend: true, template: jobPod } },
    { spec: { suspend: true, template: once } },
    "spec.template.spec.containers[0].image",
  ],
  [
    "apps/v1:StatefulSet",
    { spec: { selector, template: pod, volumeClaimTemplates: [claim("1Gi")] } },
    { spec: { selector, template: pod, volumeClaimTemplates: [claim("2Gi")] } },
    "spec.volumeClaimTemplates[0].spec.resources.requests.storage",
  ],
  [
    "apps/v1:DaemonSet",
    { spec: { selector, template: pod } },
    {
      spec: {
        selector: { matchLabels: { a: "c" } },
        template: { ...pod, metadata: { labels: { a: "c" } } },
      },
    },
    "spec.selector.matchLabels.a",
  ],
  [
    "core/v1:PersistentVolumeClaim",
    { spec: claim("1Gi").spec ?? null },
    { spec: { ...map(claim("1Gi").spec), storageClassName: "other" } },
    "spec.storageClassName",
  ],
  [
    "core/v1:PersistentVolume",
    { spec: volume("/one") },
    { spec: volume("/two") },
    "spec.hostPath.path",
  ],
  [
    "rbac.authorization.k8s.io/v1:RoleBinding",
    { roleRef: role("one") },
    { roleRef: role("two") },
    "roleRef.name",
  ],
  [
    "storage.k8s.io/v1:StorageClass",
    { provisioner: "example.com/a", parameters: { kind: "one" } },
    { provisioner: "example.com/a", parameters: { kind: "two" } },
    "parameters.kind",
  ],
  [
    "core/v1:Secret",
    { type: "Opaque", stringData: { a: "1" } },
    { type: "example.com/other", stringData: { a: "1" } },
    "type",
  ],
  [
    "core/v1:Pod",
    { spec: { ...pod.spec, hostname: "one" } },
    { spec: { ...pod.spec, hostname: "two" } },
    "spec.hostname",
  ],
  ["scheduling.k8s.io/v1:PriorityClass", { value: 1 }, { value: 2 }, "value"],
];

/** Changes that look like those above, but are made in place. */
const inPlace: [type: string, before: PropertyMap, after: PropertyMap, path: string][] = [
  [
    "core/v1:Pod",
    { spec: pod.spec },
    { spec: { containers: [{ name: "a", image: "b" }] } },
    "spec.containers[0].image",
  ],
  [
    "batch/v1:Job",
    { spec: { suspend: true, parallelism: 1, template: jobPod } },
    { spec: { suspend: true, parallelism: 2, template: jobPod } },
    "spec.parallelism",
  ],
  [
    "apps/v1:StatefulSet",
    { spec: { selector, template: pod, revisionHistoryLimit: 5 } },
    { spec: { selector, template: pod, revisionHistoryLimit: 6 } },
    "spec.revisionHistoryLimit",
  ],
];

describe("a change of a field that cannot be changed", () => {
  const cluster = useControlPlane();

  async function differenceOf(type: string, before: PropertyMap, after: PropertyMap, name: string) {
    const { engine, create } = cluster();
    const urn = urnOf(type, name);
    const metadata = { name, annotations: { "pulumi.com/skipAwait": "true" } };
    const state = await create(urn, { metadata, ...before });
    const news = await engine.check(urn, { metadata, ...after }, state.inputs);
    const difference = await engine.diff(urn, state, news);
    await engine.delete(urn, state, { timeoutSeconds: 1 }).catch(() => undefined);
    return difference;
  }

  it.each(rows)("replaces a %s, the old one first", async (type, before, after, path) => {
    const difference = await differenceOf(type, before, after, "fixed");
    expect(difference.replaces).toContain(path);
    expect(difference.deleteBeforeReplace).toBe(true);
  });

  it.each(inPlace)(
    "leaves a %s where the server can change it",
    async (type, before, after, path) => {
      const difference = await differenceOf(type, before, after, "loose");
      expect(difference.detailed).toHaveProperty([path], "UPDATE");
      expect(difference.replaces).toEqual([]);
    },
  );

  it("replaces a ConfigMap that says it is immutable, also where ConfigMaps are mutable", async () => {
    const { plane } = cluster();
    const engine = await TestEngine.start(new KubernetesProvider());
    await engine.configure({ kubeconfig: plane.kubeconfig, enableConfigMapMutable: "true" });
    const urn = urnOf("core/v1:ConfigMap", "frozen");
    const frozen = (a: string) => ({ metadata: { name: "frozen" }, immutable: true, data: { a } });
    const state = await engine.create(urn, await engine.check(urn, frozen("1")));
    const news = await engine.check(urn, frozen("2"), state.inputs);
    expect(await engine.diff(urn, state, news)).toMatchObject({
      detailed: { "data.a": "UPDATE_REPLACE" },
      deleteBeforeReplace: true,
    });
    await engine.delete(urn, state);
    await engine.stop();
  });
});

function volume(path: string): PropertyMap {
  return {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName: "none",
    hostPath: { path },
  };
}

function map(value: PropertyValue | undefined): PropertyMap {
  return isMap(value) ? value : {};
}
