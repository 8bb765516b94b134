import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { loadKubeconfig } from "../../toolchain/kubernetes/kubeconfig";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { kubeconfigSource, readSettings, refusals } from "../../toolchain/kubernetes/settings";
import { Secret, UNKNOWN, type PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf, TestEngine } from "./support/engine";

const kubeconfig = (server: string, extra: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    clusters: [
      { name: "a", cluster: { server, "certificate-authority-data": "YQ==" } },
      { name: "b", cluster: { server: "https://b.example" } },
    ],
    users: [{ name: "me", user: { token: "t" } }],
    contexts: [
      { name: "one", context: { cluster: "a", user: "me", namespace: "team" } },
      { name: "two", context: { cluster: "b", user: "me" } },
    ],
    ...extra,
  });

describe("settings", () => {
  it("have the official defaults", () => {
    expect(readSettings({}, {})).toMatchObject({
      enableConfigMapMutable: false,
      deleteUnreachable: false,
      client: { qps: 50, burst: 120, timeoutSeconds: 30 },
    });
  });

  it("come as values, as JSON text, or from the environment", () => {
    const args = {
      kubeconfig: new Secret({ kind: "Config" }),
      deleteUnreachable: "true",
      enableSecretMutable: true,
      kubeClientSettings: '{"qps": 5, "burst": "7"}',
    };
    const env = { PULUMI_K8S_CLIENT_TIMEOUT: "9", PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE: "true" };
    expect(readSettings(args, env)).toMatchObject({
      kubeconfig: '{"kind":"Config"}',
      deleteUnreachable: true,
      enableSecretMutable: true,
      enableConfigMapMutable: true,
      client: { qps: 5, burst: 7, timeoutSeconds: 9 },
    });
    expect(
      readSettings({ deleteUnreachable: false }, { PULUMI_K8S_DELETE_UNREACHABLE: "true" }),
    ).toMatchObject({ deleteUnreachable: false });
  });

  it("are refused with a reason where they cannot be honoured", () => {
    const refused = (args: PropertyMap) => refusals(args).map(({ property }) => property);
    expect(refused({ renderYamlToDirectory: "out" })).toEqual(["renderYamlToDirectory"]);
    expect(refused({ enableServerSideApply: "false" })).toEqual(["enableServerSideApply"]);
    expect(refused({ kubeClientSettings: "many" })).toEqual(["kubeClientSettings"]);
    expect(refused({ kubeClientSettings: UNKNOWN, kubeconfig: UNKNOWN })).toEqual([]);
    expect(refusals({ renderYamlToDirectory: "out" })[0]?.reason).toContain("Secrets in clear");
  });
});

describe("the kubeconfig", () => {
  const folder = mkdtempSync(join(tmpdir(), "drydock-kubeconfig-"));
  const file = join(folder, "config");
  writeFileSync(file, kubeconfig("https://file.example"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("is content, a path, or what KUBECONFIG names", () => {
    expect(kubeconfigSource("a: 1\n", {})).toEqual({ kind: "content", content: "a: 1\n" });
    expect(kubeconfigSource(file, {})).toEqual({ kind: "files", paths: [file] });
    const both = { KUBECONFIG: `${file}:${join(folder, "missing")}` };
    expect(kubeconfigSource(undefined, both)).toEqual({ kind: "files", paths: [file] });
    expect(() => kubeconfigSource(join(folder, "missing"), {})).toThrow(/no kubeconfig at/);
  });

  it("uses the context and cluster that are asked for", async () => {
    const load = (args: PropertyMap) =>
      loadKubeconfig(readSettings({ kubeconfig: file, ...args }, {}));
    expect((await load({})).getCurrentCluster()?.server).toBe("https://file.example");
    expect((await load({ context: "two" })).getCurrentCluster()?.server).toBe("https://b.example");
    expect((await load({ cluster: "b" })).getCurrentCluster()?.server).toBe("https://b.example");
    await expect(load({ context: "three" })).rejects.toThrow(
      'no context "three". It has: one, two.',
    );
    await expect(load({ cluster: "c" })).rejects.toThrow("names no cluster to use");
  });

  it("is not quoted when it cannot be read", async () => {
    const broken = readSettings({ kubeconfig: "token: s3cret\n  - x: [" }, {});
    const error = await loadKubeconfig(broken).catch((reason: unknown) => String(reason));
    expect(error).toContain("not valid YAML");
    expect(error).not.toContain("s3cret");
  });
});

describe("types that are not objects of the API", () => {
  it.each(["kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:ConfigMapPatch"])(
    "%s is refused by name",
    async (type) => {
      const engine = await TestEngine.start(new KubernetesProvider());
      const urn = `urn:pulumi:s::p::${type}::a`;
      const news: PropertyMap = type.endsWith("Patch") ? { kind: "ConfigMap" } : {};
      const message = await failureOf(engine.check(urn, news));
      expect(message).toContain(`${type} is not an object of the Kubernetes API`);
      await engine.stop();
    },
  );
});

describe("the function yaml:decode", () => {
  it("gives the objects of a text, lists taken apart", async () => {
    const provider = new KubernetesProvider();
    const decode = (text: string) =>
      provider.invoke({ token: "kubernetes:yaml:decode", args: { text }, preview: false });
    const text = "kind: A\n---\n---\nkind: BList\nitems: [{kind: B, on: yes}]\n";
    expect((await decode(text)).result).toEqual({
      result: [{ kind: "A" }, { kind: "B", on: "yes" }],
    });
    await expect(decode("a: [")).rejects.toThrow(/^the YAML cannot be read: /);
  });
});

describe("changed provider settings", () => {
  const provider = new KubernetesProvider();
  const diff = async (before: PropertyMap, after: PropertyMap) => {
    const request = { urn: "", type: "", id: "", ignoreChanges: [], oldOutputs: {} };
    const result = await provider.diffConfig({ ...request, oldInputs: before, news: after });
    const kinds = Object.entries(result.detailedDiff).map(([key, { kind }]) => [key, kind]);
    return { changes: result.changes, kinds: Object.fromEntries(kinds) as Record<string, string> };
  };

  it("replace only for another cluster", async () => {
    const here = { kubeconfig: kubeconfig("https://a.example") };
    const rotated = { users: [{ name: "me", user: { token: "new" } }] };
    expect(await diff(here, here)).toEqual({ changes: "none", kinds: {} });
    expect(await diff(here, { kubeconfig: kubeconfig("https://a.example", rotated) })).toEqual({
      changes: "some",
      kinds: { kubeconfig: "update" },
    });
    expect((await diff(here, { kubeconfig: kubeconfig("https://c.example") })).kinds).toEqual({
      kubeconfig: "update-replace",
    });
    expect((await diff(here, { ...here, context: "two" })).kinds).toEqual({
      context: "add-replace",
    });
    expect((await diff(here, { kubeconfig: UNKNOWN })).kinds).toEqual({ kubeconfig: "update" });
  });

  it("let a clusterIdentifier decide", async () => {
    const of = (server: string, clusterIdentifier: string) => ({
      kubeconfig: kubeconfig(server),
      clusterIdentifier,
    });
    expect((await diff(of("https://a", "x"), of("https://c", "x"))).kinds).toEqual({
      kubeconfig: "update",
    });
    expect((await diff(of("https://a", "x"), of("https://a", "y"))).kinds).toEqual({
      clusterIdentifier: "update-replace",
    });
  });
});
