import { Resolver } from "node:dns/promises";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { constants } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  DRAIN_COMMAND,
  HEALTH_PATH,
  HTTP_PORT,
  nginxRecipe,
  SERVER_ID,
} from "../../apps/nginx/image/recipe";
import { buildImage } from "../../infra/images/build";
import type { BuiltImage } from "../../infra/images/store";
import { COREDNS_PORT, corednsRecipe, pauseRecipe } from "../../infra/images/system";
import { defaultCacheDirectory } from "../../toolchain/paths";
import { locateTools } from "../../toolchain/resolve";
import { eventually, eventuallyHolds } from "../support/eventually";
import { cannotRun, Containerd } from "./containerd";
import { temporaryDirectory } from "./support";

/** The images as the kubelet's runtime takes and runs them. Without root nothing here is checked. */
describe("an image in containerd", () => {
  let reason: string | undefined;
  let containerd: Containerd;
  let nginx: BuiltImage;
  let pause: BuiltImage;

  beforeAll(async () => {
    reason = await cannotRun();
    if (reason !== undefined) return;
    const options = { cacheDirectory: defaultCacheDirectory() };
    [nginx, pause] = await Promise.all([
      buildImage(nginxRecipe(), options),
      buildImage(pauseRecipe(), options),
    ]);
    containerd = await Containerd.start(pause.reference);
    for (const { archive } of [nginx, pause]) await containerd.ctr("images", "import", archive);
  });
  afterAll(async () => {
    if (reason === undefined) await containerd.stop();
  });
  beforeEach(({ skip }) => skip(reason !== undefined, reason));

  const url = (target: string) => `http://${containerd.host}:${HTTP_PORT}${target}`;

  async function startNginx(...mounts: string[]): Promise<number> {
    const options = mounts.length > 0 ? { mounts } : {};
    const id = await containerd.run("nginx", nginx.reference, options);
    await eventuallyHolds(async () => expect((await fetch(url(HEALTH_PATH))).status).toBe(200));
    return id;
  }

  async function quitNginx(id: number): Promise<void> {
    process.kill(id, "SIGQUIT");
    await containerd.ended("nginx");
  }

  it("is found by the reference that pods name, and pinned where it holds pods up", async () => {
    const images = await containerd.ctr("images", "ls");
    const lineOf = (reference: string) =>
      images.split("\n").find((line) => line.startsWith(`${reference} `)) ?? "";
    expect(lineOf(nginx.reference)).toContain(nginx.digest);
    expect(lineOf(pause.reference)).toContain("io.cri-containerd.pinned=pinned");
    expect(await containerd.imageStatus(nginx.reference)).toContain(nginx.digest);
    const other = nginx.reference.replace(/[0-9a-f]{64}$/, "0".repeat(64));
    expect(await containerd.imageStatus(other)).toBe("");
  });

  it("is known by the same reference where kind brings it to its node", async () => {
    const text = { kind: "text", path: "kind.txt", text: "kind" } as const;
    const recipe = { ...pauseRecipe(), name: "drydock/by-kind" };
    const layers = [...recipe.layers, { name: "text", entries: [text] }];
    const options = { cacheDirectory: temporaryDirectory() };
    const { archive, reference } = await buildImage({ ...recipe, layers }, options);
    // The flags of `kind load image-archive`.
    await containerd.ctr("images", "import", "--all-platforms", "--digests", archive);
    expect((await containerd.ctr("images", "list", "--quiet")).split("\n")).toContain(reference);
  });

  it("serves without root, capabilities or a writable root filesystem", async () => {
    const id = await startNginx();
    const status = readFileSync(`/proc/${id}/status`, "utf8");
    expect(status).toMatch(new RegExp(`^Uid:(\\t${SERVER_ID}){4}$`, "m"));
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(readdirSync(`/proc/${id}/root/tmp`).toSorted()).toEqual(
      ["client_body", "fastcgi", "nginx.pid", "proxy", "scgi", "uwsgi"].toSorted(),
    );

    const page = await fetch(url("/"));
    const [text, name] = [await page.text(), await (await fetch(url("/whoami"))).text()];
    expect(text).toContain(`<span class="pod">${name.trim()}</span>`);
    expect(name.trim()).not.toBe("");
    expect(Object.fromEntries(page.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-encoding": "gzip",
      server: "nginx",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    // Neither tells a changed page from an unchanged one here: see nginx.conf.
    expect(page.headers.has("etag")).toBe(false);
    expect(page.headers.has("last-modified")).toBe(false);
    expect((await fetch(url("/..data/index.html"))).status).toBe(404);
    expect((await fetch(url("/missing"))).status).toBe(404);
    await quitNginx(id);

    // What it printed is there a moment later.
    await eventuallyHolds(() =>
      expect(containerd.log("nginx")).toMatch(/"GET \/ HTTP\/1\.1" 200 /),
    );
    const log = containerd.log("nginx");
    expect(log).not.toContain(HEALTH_PATH);
    expect(log).not.toMatch(/\[(warn|error|alert|emerg)\]/);
  });

  it("is drained without breaking a request on a kept connection", async () => {
    const id = await startNginx();
    const seen = Array.from({ length: 8 }, (): number[] => []);
    const clients = seen.map((statuses) => requestUntilClosed(url("/"), statuses));
    const fewest = () => Math.min(...seen.map((statuses) => statuses.length));
    await eventuallyHolds(() => expect(fewest()).toBeGreaterThan(5));
    const hook = containerd.exec("nginx", DRAIN_COMMAND);
    const began = performance.now();
    const first = await Promise.race([
      Promise.all(clients).then(() => "the clients"),
      hook.then(() => "the hook"),
    ]);
    // After this the client knows that the connection is gone, and nginx has none to break.
    for (const statuses of seen) expect(new Set(statuses)).toEqual(new Set([200]));
    expect(first).toBe("the clients");
    // A request that comes late is answered all the same.
    const late = await fetch(url("/"));
    expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
    await late.text();
    await hook;
    expect(performance.now() - began).toBeGreaterThan(3900);
    await quitNginx(id);
  });

  it("keeps connections again when the drain file is gone", async () => {
    const id = await startNginx();
    const connection = async () => (await fetch(url("/"))).headers.get("connection");
    const shell = (script: string) => containerd.exec("nginx", "/bin/sh", "-c", script);
    expect(await connection()).toBe("keep-alive");
    await shell(": > /tmp/drain");
    expect(await connection()).toBe("close");
    const missing = await fetch(url("/missing"));
    expect([missing.status, missing.headers.get("connection")]).toEqual([404, "close"]);
    await shell("rm /tmp/drain");
    expect(await connection()).toBe("keep-alive");
    await quitNginx(id);
  });

  it("does not go on draining in a container that is restarted in the same pod", async () => {
    const tmp = temporaryDirectory();
    writeFileSync(path.join(tmp, "drain"), "");
    chmodSync(tmp, 0o777);
    const id = await startNginx(`type=bind,src=${tmp},dst=/tmp,options=rbind:rw`);
    const answer = await fetch(url("/"));
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "keep-alive"]);
    await quitNginx(id);
  });

  it("ends a pod at once when it is told to", async () => {
    const id = await containerd.run("pause", pause.reference);
    expect(readFileSync(`/proc/${id}/status`, "utf8")).toMatch(/^Uid:(\t65535){4}$/m);
    await eventually(() => catches(id, constants.signals.SIGTERM));
    process.kill(id, "SIGTERM");
    // Otherwise it would not end at all: the first process of a container ends by no signal that it does not catch.
    await containerd.ended("pause");
  });

  it("answers names without a capability", async ({ skip }) => {
    const coredns = (await locateTools(["coredns"])).get("coredns")?.path;
    skip(coredns === undefined, "coredns is neither on PATH nor in the tool cache");
    const recipe = corednsRecipe({ binary: coredns ?? "" });
    const image = await buildImage(recipe, { cacheDirectory: defaultCacheDirectory() });
    await containerd.ctr("images", "import", image.archive);
    const folder = temporaryDirectory();
    const corefile = `.:${COREDNS_PORT} {\n hosts {\n  192.0.2.7 ship.example\n }\n}\n`;
    writeFileSync(path.join(folder, "Corefile"), corefile);
    // The kubelet mounts a ConfigMap as readable by all; the test's own folder is for its owner.
    chmodSync(folder, 0o755);
    const mount = `type=bind,src=${folder},dst=/etc/coredns,options=rbind:ro`;
    const command = ["/coredns", "-conf", "/etc/coredns/Corefile"];
    const id = await containerd.run("coredns", image.reference, { mounts: [mount], command });
    expect(readFileSync(`/proc/${id}/status`, "utf8")).toMatch(/^Uid:(\t65532){4}$/m);
    const resolver = new Resolver({ timeout: 500, tries: 10 });
    resolver.setServers([`${containerd.host}:${COREDNS_PORT}`]);
    const answer = async () =>
      expect(await resolver.resolve4("ship.example")).toEqual(["192.0.2.7"]);
    await eventuallyHolds(answer);
    process.kill(id, "SIGTERM");
    await containerd.ended("coredns");
  });
});

/**
 * Sends one request after the other over one connection, and ends when the server closes it after an
 * answer, as a browser or a proxy would. A connection that breaks in any other way is an error.
 *
 * @param statuses gets that of each answer
 */
async function requestUntilClosed(target: string, statuses: number[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let closed = false; !closed;) {
      const { status, connection } = await get(target, agent);
      statuses.push(status);
      closed = connection === "close";
      await sleep(10);
    }
  } finally {
    agent.destroy();
  }
}

/** Whether a process has a handler for a signal. */
function catches(id: number, signal: number): boolean {
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1];
  return (BigInt(`0x${mask ?? "0"}`) & (1n << BigInt(signal - 1))) !== 0n;
}

function get(target: string, agent: Agent) {
  return new Promise<{ status: number; connection: string | undefined }>((resolve, reject) => {
    const sent = request(target, { agent }, (answer) => {
      answer.on("error", reject);
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection });
      });
      answer.resume();
    });
    sent.on("error", reject);
    sent.end();
  });
}
