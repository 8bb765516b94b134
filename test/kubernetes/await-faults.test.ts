import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { afterEach, describe, expect, it } from "vitest";

import { Waiter } from "../../toolchain/kubernetes/await/wait";
import { waitForRule } from "../../toolchain/kubernetes/await/wait-for";
import { parseWaitFor } from "../../toolchain/kubernetes/await/wait-for-syntax";
import { Client } from "../../toolchain/kubernetes/client";
import { Connection } from "../../toolchain/kubernetes/connection";
import { Discovery } from "../../toolchain/kubernetes/discovery";
import { refOf, type JsonMap, type KubernetesObject } from "../../toolchain/kubernetes/objects";
import { eventually } from "../support/eventually";

type Fault = (response: ServerResponse) => void;

const OUTAGE = "API server does not answer, trying again";

/** A refusal as the API server words it. */
const refusal = (code: number, message: string): Fault => {
  return (response) => {
    response.writeHead(code, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", code, message, reason: "Any" }));
  };
};

const expired: Fault = (response) => {
  response.write('{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n');
  response.end();
};

const cut: Fault = (response) => {
  response.socket?.destroy();
};

/**
 * An API server with one ConfigMap whose faults a test chooses: those of the real one cannot be
 * called forth at will. What it can be asked is what waiting for an object takes.
 */
class FaultyServer {
  object = configMap("no");
  /** One for each of the next requests, in order. */
  readonly faults: Fault[] = [];
  lists = 0;
  private readonly watches = new Set<ServerResponse>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://server");
      const isObject = pathname.endsWith("/configmaps");
      const fault = isObject ? this.faults.shift() : undefined;
      if (fault !== undefined) {
        fault(response);
      } else if (pathname === "/api/v1") {
        const kinds = { ConfigMap: "configmaps", Event: "events" };
        const resources = Object.entries(kinds).map(([kind, name]) => ({
          ...{ kind, name, namespaced: true, verbs: ["list", "watch"] },
        }));
        response.end(JSON.stringify({ resources }));
      } else if (searchParams.get("watch") === "true") {
        response.writeHead(200);
        response.flushHeaders();
        if (isObject) {
          this.watches.add(response);
        }
      } else {
        this.lists += isObject ? 1 : 0;
        const items = isObject ? [this.object] : [];
        response.end(JSON.stringify({ metadata: { resourceVersion: "1" }, items }));
      }
    });
  }

  /** What a running watch meets. */
  breakWatches(fault: Fault): void {
    for (const watch of this.watches) {
      this.watches.delete(watch);
      fault(watch);
    }
  }

  get isWatched(): boolean {
    return this.watches.size > 0;
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function configMap(ready: string): KubernetesObject {
  const metadata: JsonMap = { name: "map", namespace: "default", uid: "u1", resourceVersion: "1" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { ready } };
}

describe("an API server that fails in the middle of a wait", () => {
  let server: FaultyServer;
  let client: Client | undefined;
  const lines: string[] = [];

  afterEach(() => {
    client?.close();
    server.stop();
  });

  /** Waits for `data.ready` to be `yes`; the wait is under way when this returns. */
  async function startWaiting(
    timeoutSeconds = 90,
  ): Promise<{ readonly end: Promise<KubernetesObject> }> {
    lines.length = 0;
    server = new FaultyServer();
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: "c",
        server: `http://127.0.0.1:${String(await server.start())}`,
        skipTLSVerify: true,
      },
      { name: "u" },
    );
    client = new Client(new Connection(config), { qps: 50, burst: 50, timeoutSeconds: 5 });
    const rule = waitForRule(parseWaitFor("jsonpath={.data.ready}=yes"));
    const waiter = new Waiter(client, new Discovery(client));
    const waiting = waiter.wait(server.object, refOf(server.object), rule, {
      signal: new AbortController().signal,
      timeoutSeconds,
      cancelled: "was not waited for",
      onStatus: (line) => lines.push(line),
    });
    waiting.catch(() => undefined);
    await eventually(() => server.isWatched);
    return { end: waiting };
  }

  it.each([
    ["its memory of changes is too short", expired, []],
    ["the connection breaks", cut, []],
    ["it ends the watch", (response: ServerResponse) => response.end(), []],
    ["it is overloaded", cut, [refusal(429, "too many requests")]],
    ["it is starting", cut, [refusal(503, "apiserver not ready"), cut]],
    ["etcd chooses a leader", cut, [refusal(500, "etcdserver: leader changed")]],
  ] satisfies [string, Fault, Fault[]][])("is outlasted when %s", async (_, first, next) => {
    const { end } = await startWaiting();
    server.object = configMap("yes");
    server.faults.push(...next);
    server.breakWatches(first);
    expect(await end).toMatchObject({ data: { ready: "yes" } });
    expect(server.lists).toBe(2);
    expect(lines.includes(OUTAGE)).toBe(next.length > 0);
    expect(server.faults).toEqual([]);
  });

  it("is asked again when it refuses to be read, and its words are told", async () => {
    const { end } = await startWaiting();
    server.faults.push(refusal(401, "token expired"), refusal(403, "not yet permitted"));
    server.breakWatches(cut);
    await eventually(() => lines.some((line) => line.includes("not yet permitted")));
    expect(lines.find((line) => line.includes("refuses to be read"))).toContain("(401)");
    server.object = configMap("yes");
    expect(await end).toMatchObject({ data: { ready: "yes" } });
  });

  it("is named in the error when the time is over meanwhile", async () => {
    const { end } = await startWaiting(3);
    server.faults.push(...Array.from({ length: 50 }, () => refusal(503, "shutting down")));
    server.breakWatches(cut);
    await expect(end).rejects.toThrow(
      "ConfigMap default/map is not ready after 3 s\n" +
        "not seen any more: GET /api/v1/namespaces/default/configmaps: shutting down (503)\n" +
        'pulumi.com/waitFor: "jsonpath={.data.ready}=yes" is not met: found "no"',
    );
  });

  it("may have lost the kind with all its objects", async () => {
    const { end } = await startWaiting();
    server.faults.push(refusal(404, "the server could not find the requested resource"));
    server.breakWatches(cut);
    await expect(end).rejects.toThrow("the ConfigMap was deleted while it was waited for");
  });
});
