import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { credentials, status, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { afterEach, beforeAll, afterAll, describe, expect, it } from "vitest";

import {
  PartialFailure,
  PluginError,
  Secret,
  UNKNOWN,
  type ProviderPlugin,
} from "../../toolchain/plugin/serve";
import { initFailureOf, TestEngine } from "../kubernetes/support/engine";
import { bundlePlugin } from "../kubernetes/support/stack";

const URN = "urn:pulumi:dev::drydock::parent:a:B$test:index:Thing::one::two";

/** Answers as little as a plugin may; a test replaces what it is about. */
function plugin(methods: Partial<ProviderPlugin> = {}): ProviderPlugin {
  const unexpected = () => Promise.reject(new Error("not expected"));
  return {
    name: "test",
    version: "1.2.3",
    check: ({ news }) => Promise.resolve({ inputs: news, failures: [] }),
    diff: unexpected,
    create: unexpected,
    read: unexpected,
    update: unexpected,
    delete: unexpected,
    ...methods,
  };
}

describe("the gRPC frame", () => {
  let engine: TestEngine | undefined;
  const start = async (methods: Partial<ProviderPlugin>): Promise<TestEngine> => {
    engine = await TestEngine.start(plugin(methods));
    return engine;
  };
  afterEach(async () => engine?.stop());

  it("passes names, types, secrets, unknowns and timeouts both ways", async () => {
    const seen: unknown[] = [];
    const running = await start({
      create: (request) => {
        seen.push(request);
        return Promise.resolve({ id: "id", outputs: { ...request.inputs, b: UNKNOWN } });
      },
    });
    const inputs = { a: new Secret({ deep: ["x"] }) };
    const state = await running.create(URN, inputs, { timeoutSeconds: 7, preview: true });
    expect(seen).toEqual([
      {
        urn: URN,
        name: "one::two",
        type: "test:index:Thing",
        inputs,
        preview: true,
        timeoutSeconds: 7,
      },
    ]);
    expect(state.outputs).toEqual({ ...inputs, b: UNKNOWN });
  });

  it("derives what to replace from the detailed diff", async () => {
    const running = await start({
      diff: () =>
        Promise.resolve({
          changes: "some",
          detailedDiff: { "a.b": { kind: "update-replace" }, "c[0]": { kind: "add" } },
        }),
    });
    expect(await running.diff(URN, { id: "id", inputs: {}, outputs: {} }, {})).toEqual({
      changes: "some",
      detailed: { "a.b": "UPDATE_REPLACE", "c[0]": "ADD" },
      replaces: ["a.b"],
      deleteBeforeReplace: false,
    });
  });

  it("tells the engine that an object is gone", async () => {
    const running = await start({ read: () => Promise.resolve(undefined) });
    expect(await running.read(URN, { id: "id", inputs: {}, outputs: {} })).toBeUndefined();
  });

  it("hands on a failure's plain text, and keeps a half-made object in state", async () => {
    const failures: Error[] = [
      new PluginError("the disk is full. Free some space."),
      new PartialFailure("id", { a: new Secret("x") }, ["not ready", "no address"]),
      new TypeError("oops"),
    ];
    const running = await start({
      create: () => Promise.reject(failures.shift() ?? new Error("none left")),
    });
    const attempt = async () =>
      running.create(URN, {}).catch((error: unknown) => error as ServiceError);
    expect(await attempt()).toMatchObject({ details: "the disk is full. Free some space." });
    expect(initFailureOf(await attempt())).toEqual({
      id: "id",
      outputs: { a: new Secret("x") },
      reasons: ["not ready", "no address"],
    });
    expect(await attempt()).toMatchObject({
      details: "unexpected failure inside the plugin: TypeError: oops",
    });
  });

  it("aborts what runs on Cancel, and works again for the engine that attaches next", async () => {
    let waits = true;
    const running = await start({
      create: (_request, { signal, log }) =>
        new Promise((resolve, reject) => {
          log.status("waiting", URN);
          signal.throwIfAborted();
          signal.addEventListener("abort", () => reject(new PluginError("stopped")));
          if (!waits) resolve({ id: "id", outputs: {} });
        }),
    });
    const creating = running.create(URN, {}).catch((error: unknown) => error);
    await expect.poll(() => running.texts("status")).toEqual(["waiting"]);
    await running.cancel();
    expect(await creating).toMatchObject({ details: "stopped" });
    expect(await running.create(URN, {}).catch((error: unknown) => error)).toMatchObject({
      details: "cancelled",
    });
    await running.handshake();
    waits = false;
    expect((await running.create(URN, {})).id).toBe("id");
  });

  it("delivers messages in order and before the answer", async () => {
    const running = await start({
      delete: ({ urn }, { log }) => {
        for (let line = 0; line < 20; line++) {
          log.status(`line ${String(line)}`, urn);
        }
        log.warn("careful", urn);
        return Promise.resolve();
      },
    });
    await running.delete(URN, { id: "id", inputs: {}, outputs: {} });
    const lines = Array.from({ length: 20 }, (_, line) => `line ${String(line)}`);
    expect(running.messages.map(({ text }) => text)).toEqual([...lines, "careful"]);
  });

  it("calls what a plugin leaves out unimplemented", async () => {
    const running = await start({});
    const code = async (action: Promise<unknown>) =>
      action.then(
        () => status.OK,
        (error: unknown) => (error as ServiceError).code,
      );
    expect(await code(running.checkConfig({}))).toBe(status.UNIMPLEMENTED);
    expect(await code(running.diffConfig({}, {}))).toBe(status.UNIMPLEMENTED);
  });
});

describe("the plugin process", () => {
  let folder = "";
  let file = "";
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "drydock-plugin-"));
    file = join(folder, "pulumi-resource-kubernetes");
    await bundlePlugin(file);
  });
  afterAll(async () => {
    children.forEach((child) => child.kill("SIGKILL"));
    await rm(folder, { recursive: true, force: true });
  });

  async function launch(): Promise<{ child: ChildProcess; line: string }> {
    const child = spawn(file, ["127.0.0.1:1"], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    const [chunk] = (await once(child.stdout, "data")) as [Buffer];
    return { child, line: chunk.toString() };
  }

  it("prints its port and nothing else, and answers there", async () => {
    const { child, line } = await launch();
    expect(line).toMatch(/^\d+\n$/);
    const address = `127.0.0.1:${line.trim()}`;
    const client = new ResourceProviderClient(address, credentials.createInsecure());
    const info = await new Promise<PluginInfo>((resolve, reject) => {
      client.getPluginInfo(new Empty(), (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    expect(info.getVersion()).toMatch(/^4\.\d+\.\d+$/);
    const handshake = await new Promise<pb.ProviderHandshakeResponse>((resolve, reject) => {
      client.handshake(new pb.ProviderHandshakeRequest(), (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    expect(handshake.toObject()).toMatchObject({ acceptSecrets: true, acceptOutputs: true });
    client.close();
    child.kill();
  });

  it.each([
    ["its stdin ends, as when the engine is killed", (child: ChildProcess) => child.stdin?.end()],
    ["it gets a signal", (child: ChildProcess) => child.kill("SIGINT")],
  ])("ends when %s", async (_case, act) => {
    const { child } = await launch();
    const exited = once(child, "exit");
    const before = performance.now();
    act(child);
    expect(await exited).toEqual([0, null]);
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});
