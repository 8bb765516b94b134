import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";

import { publishedResource as imageResource } from "../../infra/images/published";
import { hashRecipeInputs } from "../../infra/images/hash";
import { freePort } from "../../infra/local/runtime/ports";
import { type Context, type PropertyMap, UNKNOWN } from "../../toolchain/plugin/serve";
import { textRecipe } from "../images/support";
import { eventually } from "../support/eventually";
import { privatePort } from "../support/ports";

const CANARY = "canary-password-4711";
const URN = "urn:pulumi:test::drydock::drydock:images:Published::site-image";
const named = { urn: URN, type: "drydock:images:Published", name: "site-image" };

const silent = () => undefined;
const context: Context = {
  signal: new AbortController().signal,
  log: { debug: silent, info: silent, warn: silent, error: silent, status: silent },
};

let folder: string;
let registry: string;
let stop: () => Promise<void>;
let gate: Server;
const refused: string[] = [];

/** A real registry, behind a gate that asks for a password as public registries do. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "drydock-publish-"));
  const port = await privatePort();
  const crane = join(inject("binaries"), "crane");
  const behind = ["registry", "serve", "--address", `127.0.0.1:${String(port)}`];
  const server = spawn(crane, behind, { stdio: "ignore" });
  stop = async () => {
    server.kill();
    await once(server, "exit");
  };
  const expected = `Basic ${Buffer.from(`me:${CANARY}`).toString("base64")}`;
  gate = createServer((incoming, outgoing) => {
    if (incoming.headers.authorization !== expected) {
      refused.push(incoming.url ?? "");
      outgoing.writeHead(401, { "www-authenticate": 'Basic realm="registry"' }).end();
      return;
    }
    const { method = "GET", url = "/", headers } = incoming;
    const path = { host: "127.0.0.1", port, method, path: url, headers };
    incoming.pipe(
      request(path, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  registry = `127.0.0.1:${String((gate.address() as AddressInfo).port)}/me`;
  const answers = () => fetch(`http://127.0.0.1:${String(port)}/v2/`).then(({ ok }) => ok);
  await eventually(() => answers().catch(() => false));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("PATH", [inject("binaries"), process.env.PATH].join(delimiter));
  vi.stubEnv("DOCKER_CONFIG", join(folder, "docker"));
  mkdirSync(join(folder, "docker"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  gate.close();
  await stop();
  rmSync(folder, { recursive: true });
});

function login(password: string): void {
  const auth = Buffer.from(`me:${password}`).toString("base64");
  const config = { auths: { [registry.split("/")[0] ?? ""]: { auth } } };
  writeFileSync(join(folder, "docker", "config.json"), JSON.stringify(config));
}

function inputsOf(text: string): PropertyMap {
  const recipe = textRecipe(text);
  return { registry, recipe: JSON.stringify(recipe), sourceHash: hashRecipeInputs(recipe) };
}

const create = (inputs: PropertyMap, preview = false) =>
  imageResource.create({ ...named, inputs, preview }, context);

const diff = (inputs: PropertyMap, outputs: PropertyMap, news = inputs) =>
  imageResource.diff(
    { ...named, id: "", oldInputs: inputs, oldOutputs: outputs, news, ignoreChanges: [] },
    context,
  );

/** What the registry has, asked by the tool that any other client is. */
const digestOf = (reference: string) => execa("crane", ["digest", reference], { reject: false });

describe("an image for a cluster of somebody else's", () => {
  it("is not pushed without the right, and says what to do", async () => {
    login("wrong");
    await expect(create(inputsOf("a"))).rejects.toThrow(
      /The image cannot be pushed\.\n {2}where: 127\.0\.0\.1:\d+\/me\/\S+\n {2}why: .*[Uu]nauthorized[^]*docker login 127/,
    );
    expect(refused.length).toBeGreaterThan(0);
  });

  it("is pushed by digest with the user's own login, which stays out of the state", async () => {
    login(CANARY);
    const { id, outputs } = await create(inputsOf("a"));
    const reference = outputs.reference as string;
    expect(reference).toMatch(/^127\.0\.0\.1:\d+\/me\/\S+@sha256:[0-9a-f]{64}$/);
    expect((await digestOf(reference)).stdout).toBe(reference.split("@")[1]);
    expect(reference.startsWith(`${id}@`)).toBe(true);
    expect(JSON.stringify(outputs)).not.toContain(CANARY);
    const hex = reference.split(":").at(-1) ?? "";
    const tags = await execa("crane", ["ls", id]);
    // Its own, and the one that lists its SBOM.
    expect(tags.stdout.split("\n")).toEqual([hex.slice(0, 12), `sha256-${hex}`]);
  });

  it("is unknown in a preview, which pushes nothing", async () => {
    const { outputs } = await create(inputsOf("preview"), true);
    expect(outputs.reference).toBe(UNKNOWN);
  });

  it("is pushed again only where it changed or the registry lost it", async () => {
    const inputs = inputsOf("b");
    const { outputs } = await create(inputs);
    expect((await diff(inputs, outputs)).changes).toBe("none");
    const changed = await diff(inputs, outputs, inputsOf("c"));
    expect(Object.keys(changed.detailedDiff)).toEqual(["recipe", "sourceHash"]);
    const lost = {
      ...outputs,
      reference: (outputs.reference as string).replace(/.{8}$/, "00000000"),
    };
    expect(Object.keys((await diff(inputs, lost)).detailedDiff)).toEqual(["reference"]);
  });

  it("is no difference where the registry does not say", async () => {
    const inputs = inputsOf("d");
    const reference = `127.0.0.1:${String(await freePort())}/me/x@sha256:${"0".repeat(64)}`;
    expect((await diff(inputs, { ...inputs, reference })).changes).toBe("none");
  });
});
