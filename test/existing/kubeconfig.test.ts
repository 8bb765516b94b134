import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";

import { ExistingClusterError } from "../../infra/existing/detect/errors";
import { selectContext } from "../../infra/existing/detect/kubeconfig";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "drydock-kubeconfig-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const CANARY = "canary-token-4711";

function config(...names: string[]) {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: names.map((name) => ({ name, cluster: { server: `https://${name}.example:6443` } })),
    users: names.map((name) => ({ name, user: { token: CANARY } })),
    contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
    "current-context": names[0],
  };
}

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : stringify(content));
  return file;
}

function refusal(...args: Parameters<typeof selectContext>): string {
  try {
    selectContext(...args);
  } catch (error) {
    if (error instanceof ExistingClusterError) return error.message;
    throw error;
  }
  throw new Error("The context was accepted.");
}

describe("a context of a kubeconfig", () => {
  it("is the named one, alone, with nothing of the others", () => {
    const file = write("two", config("one", "two"));
    const selected = selectContext({ kubeconfig: file, context: "two" });
    expect(selected).toMatchObject({
      context: "two",
      server: "https://two.example:6443",
      where: `${file}, context two, server https://two.example:6443`,
    });
    expect(JSON.parse(selected.text)).toEqual(config("two"));
  });

  it("is the current one where none is named", () => {
    const file = write("current", { ...config("one", "two"), "current-context": "two" });
    expect(selectContext({ kubeconfig: file }).context).toBe("two");
  });

  it("comes from the home folder, from KUBECONFIG, or from ~/.kube/config", () => {
    mkdirSync(join(folder, ".kube"), { recursive: true });
    write(".kube/config", config("at-home"));
    const named = write("named", config("named"));
    const chosen = (args: object, env: Record<string, string>) =>
      selectContext(args, env, folder).context;
    expect(chosen({}, {})).toBe("at-home");
    expect(chosen({}, { KUBECONFIG: named })).toBe("named");
    expect(chosen({ kubeconfig: "~/.kube/config" }, { KUBECONFIG: named })).toBe("at-home");
  });

  it("is looked for in all files of KUBECONFIG, the first that names it deciding", () => {
    const first = write("first", { ...config("a"), "current-context": "" });
    const second = write("second", { ...config("a", "b"), "current-context": "b" });
    const env = { KUBECONFIG: [first, join(folder, "none"), second].join(":") };
    expect(selectContext({}, env, folder).context).toBe("b");
    expect(selectContext({ context: "a" }, env, folder).server).toBe("https://a.example:6443");
  });

  it("takes the content of files along, relative to the kubeconfig, and makes paths absolute", () => {
    write("ca.crt", "authority");
    write("client.crt", "certificate");
    write("client.key", "key");
    const content = config("files");
    Object.assign(content.clusters[0]?.cluster ?? {}, { "certificate-authority": "ca.crt" });
    Object.assign(content, {
      users: [
        {
          name: "files",
          user: {
            "client-certificate": "client.crt",
            "client-key": join(folder, "client.key"),
            tokenFile: "token",
            exec: { command: "./login", args: ["--x"] },
          },
        },
      ],
    });
    const { text } = selectContext({ kubeconfig: write("files", content) });
    const base64 = (value: string) => Buffer.from(value).toString("base64");
    expect(JSON.parse(text)).toMatchObject({
      clusters: [{ cluster: { "certificate-authority-data": base64("authority") } }],
      users: [
        {
          user: {
            "client-certificate-data": base64("certificate"),
            "client-key-data": base64("key"),
            tokenFile: join(folder, "token"),
            exec: { command: join(folder, "login"), args: ["--x"] },
          },
        },
      ],
    });
    expect(text).not.toContain('"client-key"');
  });

  it("leaves a command that is looked for on PATH as it is", () => {
    const content = {
      ...config("exec"),
      users: [{ name: "exec", user: { exec: { command: "aws" } } }],
    };
    const { text } = selectContext({ kubeconfig: write("exec", content) });
    expect(text).toContain('"command": "aws"');
  });
});

describe("a kubeconfig that cannot be used is refused", () => {
  it("where there is none", () => {
    const file = join(folder, "absent");
    expect(refusal({ kubeconfig: file })).toBe(`there is no kubeconfig
  where: ${file}
  why: the file does not exist
  fix: correct drydock:cluster.kubeconfig`);
    expect(refusal({}, { KUBECONFIG: file })).toContain(
      "set drydock:cluster.kubeconfig or KUBECONFIG",
    );
  });

  it("where it is not YAML, without showing what is in it", () => {
    const file = write("broken", `users:\n- name: a\n  user: {token: ${CANARY}\nx: [`);
    const message = refusal({ kubeconfig: file });
    expect(message).toMatch(
      /the kubeconfig is not one\n {2}where: .*, line \d\n {2}why: it is not YAML/,
    );
    expect(message).not.toContain(CANARY);
  });

  it("where it is YAML of another kind", () => {
    const file = write("list", "- a\n- b\n");
    expect(refusal({ kubeconfig: file })).toContain(
      `where: ${file}\n  why: it holds no map of clusters, users and contexts`,
    );
  });

  it("where the context is not in it, with a near one", () => {
    const file = write("near", config("kind-dev", "kind-prod"));
    expect(refusal({ kubeconfig: file, context: "kind-dve" })).toBe(`there is no context "kind-dve"
  where: ${file}
  why: the kubeconfig has the contexts: kind-dev, kind-prod
  fix: correct drydock:cluster.context: did you mean "kind-dev"?`);
  });

  it("where none is current", () => {
    const file = write("none-current", { ...config("a", "b"), "current-context": "" });
    expect(refusal({ kubeconfig: file })).toContain(
      "why: the kubeconfig has no current-context; it has the contexts: a, b",
    );
  });

  it("where the context's cluster or user is not in it, or has no URL", () => {
    const lonely = write("lonely", { ...config("a"), clusters: [] });
    expect(refusal({ kubeconfig: lonely })).toContain(
      "the context names no cluster of its kubeconfig",
    );
    const stranger = write("stranger", { ...config("a"), users: [] });
    expect(refusal({ kubeconfig: stranger })).toContain(
      "the context names no user of its kubeconfig",
    );
    const server = write("server", {
      ...config("a"),
      clusters: [{ name: "a", cluster: { server: "x" } }],
    });
    expect(refusal({ kubeconfig: server })).toContain(
      'the server of its cluster a is "x", which is no URL',
    );
  });

  it("where a file that it names is gone", () => {
    const content = config("a");
    Object.assign(content.clusters[0]?.cluster ?? {}, { "certificate-authority": "gone.crt" });
    expect(refusal({ kubeconfig: write("gone", content) })).toContain(
      `why: ${join(folder, "gone.crt")}: ENOENT`,
    );
  });
});
