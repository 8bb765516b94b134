import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { afterEach, describe, expect, it } from "vitest";

import { Client } from "../../toolchain/kubernetes/client";
import { Connection } from "../../toolchain/kubernetes/connection";
import {
  ApiError,
  fieldConflict,
  immutableFields,
  isMissingNamespace,
} from "../../toolchain/kubernetes/errors";
import { KubernetesProvider } from "../../toolchain/kubernetes/provider";
import { RateLimit } from "../../toolchain/kubernetes/rate-limit";
import type { PropertyMap } from "../../toolchain/plugin/serve";
import { failureOf, TestEngine } from "./support/engine";
import { urnOf } from "./support/fixture";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json = (status: number, body: object, headers = {}): Answer => {
  return (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
};

const signal = new AbortController().signal;
const patient = (seconds: number) => ({ signal, retryUntil: Date.now() + seconds * 1_000 });
const GET = { method: "GET", path: "/version" } as const;

describe("the client", () => {
  let server: Server | undefined;
  let client: Client | undefined;
  afterEach(() => {
    client?.close();
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  /** A server that gives the answers one after the other, the last one for ever. */
  async function serve(...answers: Answer[]): Promise<Client> {
    server = createServer((request, response) => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(request, response);
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return connect((server.address() as AddressInfo).port);
  }

  function connect(port: number, timeoutSeconds = 20): Client {
    const config = new KubeConfig();
    const address = `http://127.0.0.1:${String(port)}`;
    config.loadFromClusterAndUser(
      { name: "c", server: address, skipTLSVerify: true },
      { name: "u" },
    );
    client = new Client(new Connection(config), { qps: 50, burst: 50, timeoutSeconds });
    return client;
  }

  it("tries again while the server starts or is overloaded", async () => {
    const running = await serve(
      json(503, { message: "starting" }),
      json(429, { message: "slow down" }),
      json(200, { ok: true }),
    );
    const reasons: string[] = [];
    const patience = { ...patient(60), onRetry: (reason: string) => reasons.push(reason) };
    expect(await running.request(GET, patience)).toEqual({ ok: true });
    expect(reasons).toEqual(["GET /version: starting (503)", "GET /version: slow down (429)"]);
  });

  it("waits as long as a Retry-After header asks", async () => {
    const busy: Answer = (_request, response) => {
      response.writeHead(429, { "Retry-After": "1" }).end("Too many requests, please try again");
    };
    const running = await serve(busy, json(200, { ok: true }));
    const started = performance.now();
    expect(await running.request(GET, patient(60))).toEqual({ ok: true });
    expect(performance.now() - started).toBeGreaterThan(950);
  });

  it("waits for a server that refuses connections, but not for ever", async () => {
    const running = await serve(json(200, { ok: true }));
    const { port } = server?.address() as AddressInfo;
    await new Promise((resolve) => server?.close(resolve));
    const late = setTimeout(() => server?.listen(port, "127.0.0.1"), 300);
    expect(await running.request(GET, patient(60))).toEqual({ ok: true });
    clearTimeout(late);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(running.request(GET, patient(0.2))).rejects.toThrow(
      `the Kubernetes API server http://127.0.0.1:${String(port)} cannot be reached: connection refused`,
    );
  });

  it("keeps its connection", async () => {
    const running = await serve(json(200, {}));
    let connections = 0;
    server?.on("connection", () => connections++);
    for (let request = 0; request < 5; request++) {
      await running.request(GET, patient(60));
    }
    expect(connections).toBe(1);
  });

  it("does not repeat what was refused for good", async () => {
    const running = await serve(json(400, { message: "no" }), json(200, {}));
    await expect(running.request(GET, patient(60))).rejects.toThrow("GET /version: no (400)");
  });

  it("gives up on a server that does not answer", async () => {
    const running = await serve(() => undefined);
    running.close();
    const impatient = connect((server?.address() as AddressInfo).port, 1);
    await expect(impatient.request(GET, patient(0))).rejects.toThrow("no answer within 1 s");
  });

  it("ends with the signal", async () => {
    const running = await serve(() => undefined);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const patience = { signal: abort.signal, retryUntil: Date.now() + 60_000 };
    await expect(running.request(GET, patience)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("hands on the server's warnings", async () => {
    const header = { Warning: '299 - "policy/v1beta1 is \\"deprecated\\"", 299 - "and gone soon"' };
    const running = await serve(json(200, {}, header));
    const warnings: string[] = [];
    await running.request(GET, { ...patient(60), onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual(['policy/v1beta1 is "deprecated"', "and gone soon"]);
  });

  it("reads a watch event by event, however it is cut", async () => {
    const lines = ["ADDED", "MODIFIED", "DELETED"]
      .map((type) => `${JSON.stringify({ type, object: { a: type } })}\n`)
      .join("");
    const running = await serve((_request, response) => {
      response.write(lines.slice(0, 20));
      setTimeout(() => response.end(lines.slice(20)), 20);
    });
    const seen: string[] = [];
    for await (const event of running.watch("/pods", {}, signal)) {
      seen.push(event.type);
    }
    expect(seen).toEqual(["ADDED", "MODIFIED", "DELETED"]);
  });

  it("shows a proxy's page for what it is", async () => {
    const running = await serve((_request, response) => {
      response.writeHead(407).end("<html>Sign in</html>");
    });
    await expect(running.request(GET, patient(0))).rejects.toThrow("<html>Sign in</html> (407)");
  });
});

describe("a cluster that cannot be reached", () => {
  const urn = urnOf("core/v1:ConfigMap", "a");
  const nowhere = JSON.stringify({
    "current-context": "x",
    clusters: [{ name: "x", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "x", user: {} }],
    contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
  });
  const start = async (args: Record<string, string> = {}): Promise<TestEngine> => {
    const engine = await TestEngine.start(new KubernetesProvider());
    await engine.configure({ kubeconfig: nowhere, ...args });
    return engine;
  };
  const state = (inputs: PropertyMap) => ({
    id: "default/a",
    inputs,
    outputs: { ...inputs, __inputs: inputs },
  });

  it("is previewed without, which is said once, and fails an update in plain words", async () => {
    const engine = await start();
    const inputs = await engine.check(urn, { metadata: { name: "a" }, data: { a: "1" } });
    await engine.create(urn, inputs, { preview: true });
    await engine.create(urn, inputs, { preview: true });
    expect(engine.texts("warn")).toHaveLength(1);
    expect(engine.texts("warn")[0]).toContain("This preview is made without it");
    const message = await failureOf(engine.create(urn, inputs, { timeoutSeconds: 1 }));
    expect(message).toContain("https://127.0.0.1:1 cannot be reached: connection refused");
    expect(await failureOf(engine.delete(urn, state(inputs), { timeoutSeconds: 1 }))).toContain(
      "PULUMI_K8S_DELETE_UNREACHABLE=true",
    );
    await engine.stop();
  });

  it("counts as deleted or is left alone where the settings say so", async () => {
    const deleting = await start({ deleteUnreachable: "true" });
    const inputs = await deleting.check(urn, { metadata: { name: "a" } });
    await deleting.delete(urn, state(inputs), { timeoutSeconds: 1 });
    expect(deleting.texts("warn")[0]).toContain("Taken as deleted");
    await deleting.stop();
    const skipping = await start({ skipUpdateUnreachable: "true" });
    const kept = await skipping.update(urn, state(inputs), inputs, { timeoutSeconds: 1 });
    expect(kept.outputs).toEqual(state(inputs).outputs);
    await skipping.stop();
  });
});

describe("refusals of the API server", () => {
  const refuse = (status: number, body: object) => ApiError.from(status, body as never, "PATCH /x");

  it("list every cause", () => {
    const causes = [
      { field: "spec.a", message: "Required value" },
      { field: "spec.b", message: "Invalid value" },
    ];
    expect(refuse(422, { message: "all", details: { causes } }).message.split("\n")).toEqual([
      "PATCH /x: the object is not valid (422):",
      "  spec.a: Required value",
      "  spec.b: Invalid value",
    ]);
    expect(refuse(422, { message: "all" }).message).toContain("  all");
  });

  it.each([
    ["field is immutable"],
    ["may not change once set"],
    ["cannot change roleRef"],
    ["updates to parameters are forbidden."],
    ["pod updates may not change fields other than `spec.containers[*].image`"],
    ["updates to statefulset spec for fields other than 'replicas' are forbidden"],
  ])("name an immutable field: %s", (message) => {
    const causes = [{ field: "spec.x", message: `Forbidden: ${message}` }];
    expect(immutableFields(refuse(422, { details: { causes } }))).toEqual(["spec.x"]);
  });

  it("that are about something else name none", () => {
    const causes = [{ field: "spec.x", message: "Invalid value: must be no more than 63 bytes" }];
    expect(immutableFields(refuse(422, { details: { causes } }))).toEqual([]);
    expect(immutableFields(new Error("field is immutable"))).toEqual([]);
  });

  it("name managers and fields of a conflict", () => {
    const reason = "FieldManagerConflict";
    const causes = [
      { reason, field: ".spec.replicas", message: 'conflict with "kubectl" using apps/v1' },
      { reason, field: ".data.a", message: 'conflict with "helm"' },
    ];
    const text =
      fieldConflict(refuse(409, { details: { causes } }), "Deployment a/b")?.message ?? "";
    expect(text.split("\n").slice(0, 3)).toEqual([
      "Deployment a/b has fields that another field manager owns:",
      '  spec.replicas: managed by "kubectl"',
      '  data.a: managed by "helm"',
    ]);
    expect(fieldConflict(refuse(409, { reason: "AlreadyExists" }), "x")).toBeUndefined();
  });

  it("tell a missing namespace from a missing object", () => {
    const missing = (kind: string) => refuse(404, { message: "x", details: { kind } });
    expect(isMissingNamespace(missing("namespaces"))).toBe(true);
    expect(isMissingNamespace(missing("deployments"))).toBe(false);
  });
});

describe("the rate limit", () => {
  it("lets a burst through and then keeps the pace", async () => {
    const limit = new RateLimit(100, 5);
    const before = performance.now();
    await Promise.all(Array.from({ length: 15 }, () => limit.take(signal)));
    expect(performance.now() - before).toBeGreaterThan(70);
  });
});
