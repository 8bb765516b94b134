import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { loadKubeconfig } from "../../toolchain/kubernetes/kubeconfig";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { kubeconfigSource, readSettings, refusals } from "../../toolchain/kubernetes/settings";
import { refusalOf } from "../../toolchain/kubernetes/types";
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
      client: { qps: 50, burst: 120, timeoutSeconds: 32 },
    });
  });

  it("in strict mode leave nothing about the cluster to chance", () => {
    const urn = "urn:pulumi:s::p::pulumi:providers:kubernetes::default_4_34_2";
    const refused = (args: PropertyMap, of = "") =>
      refusals({ strictMode: "true", ...args }, of).map(({ property }) => property);
    expect(refused({}, urn)).toEqual(["strictMode", "kubeconfig", "context"]);
    expect(refused({ kubeconfig: UNKNOWN, context: "one" })).toEqual([]);
    expect(refusals({ strictMode: "false" }, urn)).toEqual([]);
  });

  it("take fields over by force where asked", () => {
    expect(readSettings({}, {}).enablePatchForce).toBe(false);
    expect(readSettings({ enablePatchForce: "true" }, {}).enablePatchForce).toBe(true);
    const env = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };
    expect(readSettings({}, env).enablePatchForce).toBe(true);
    expect(readSettings({ enablePatchForce: false }, env).enablePatchForce).toBe(false);
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
  const refusalFor = async (type: string) => {
    const engine = await TestEngine.start(new KubernetesProvider());
    const message = await failureOf(engine.check(`urn:pulumi:s::p::${type}::a`, {}));
    await engine.stop();
    return message;
  };

  it.each([
    ["kubernetes:helm.sh/v3:Release", "helm template"],
    ["kubernetes:helm.sh/v4:Chart", "helm template"],
    ["kubernetes:kustomize/v2:Directory", "kubectl kustomize"],
    ["kubernetes:yaml/v2:ConfigGroup", "kubernetes.yaml.ConfigGroup"],
  ])("%s is refused by name, with two ways out", async (type, instead) => {
    const message = await refusalFor(type);
    expect(message).toContain(`${type} runs inside the official Kubernetes provider plugin`);
    expect(message).toContain("pulumi plugin install resource kubernetes v4.");
    expect(message).toContain(instead);
  });

  it("lists are refused: their items are the resources", async () => {
    const message = await refusalFor("kubernetes:core/v1:ConfigMapList");
    expect(message).toContain("not an object that can be created");
    expect(message).toContain("(ConfigMap)");
    expect(refusalOf("kubernetes:example.com/v1:AllowList")).toBeUndefined();
  });

  it("functions of Helm and Kustomize are refused likewise", async () => {
    const invoke = (token: string) =>
      new KubernetesProvider().invoke({ token, args: {}, preview: false });
    await expect(invoke("kubernetes:helm:template")).rejects.toThrow("helm template");
    await expect(invoke("kubernetes:kustomize:directory")).rejects.toThrow("kubectl kustomize");
    await expect(invoke("kubernetes:x:y")).rejects.toThrow("has no function kubernetes:x:y");
  });

  it("a patch without the name of its object is refused", async () => {
    const engine = await TestEngine.start(new KubernetesProvider());
    await engine.configure({ kubeconfig: kubeconfig("https://a.example") });
    const urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMapPatch::a";
    await expect(engine.check(urn, { kind: "ConfigMap" })).rejects.toThrow(
      "metadata.name: is required: a patch changes the object of that name",
    );
    await engine.stop();
  });
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
