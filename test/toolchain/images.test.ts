import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { appImages } from "../../apps/images";
import type { ImageRecipe } from "../../infra/images/recipe";
import { addOnRecipes } from "../../infra/images/system";
import { images } from "../../toolchain/commands/images";
import { registryArgument } from "../../toolchain/commands/images-push";
import type { ImageReport } from "../../toolchain/commands/images-report";
import { localClusters } from "../../toolchain/commands/local-clusters";
import { startRegistry, temporaryDirectory } from "../images/support";
import { recordProgram } from "../../review/recording/program";
import { stackFile } from "../../review/recording/stack-file";

const ROOT = join(__dirname, "..", "..");

/** Runs `npm run images` within this process; gives what it writes to standard output. */
async function run(...args: string[]): Promise<string> {
  const written: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  const { signal } = new AbortController();
  const env = process.env;
  const code = await images({ root: ROOT, args, env, localClusters, signal, interactive: false });
  stdout.mockRestore();
  stderr.mockRestore();
  expect(code).toBe(0);
  return written.join("");
}

describe("npm run images", () => {
  it("knows every image that the program builds", async () => {
    const cluster = (stackFile("dev").config as Record<string, object>)["drydock:cluster"];
    const changes = { "drydock:cluster": { ...cluster, ingress: {} } };
    const { resources } = await recordProgram("dev", "update", { changes });
    const built = resources
      .filter(({ type }) => type === "drydock:local:Image")
      .map(({ inputs }) => JSON.parse(inputs.recipe as string) as ImageRecipe);
    const known = Object.values({ ...appImages, ...addOnRecipes }).map((recipe) => recipe().name);
    expect(known.sort()).toEqual(built.map(({ name }) => name).sort());
  });

  it("says of each image what is in it, and pushes it with its SBOM", async () => {
    const crane = (await import("../../toolchain/resolve.js")).locateTools(["crane"]);
    const { address } = await startRegistry((await crane).get("crane")?.path ?? "");
    const folder = temporaryDirectory();
    const text = await run("nginx", "--json", "--sbom", folder, "--push", address, "--tag", "v1");
    const [report, ...more] = JSON.parse(text) as ImageReport[];
    expect(more).toEqual([]);
    expect(report).toMatchObject({
      app: "nginx",
      name: "drydock/nginx",
      reference: `registry.drydock.local/drydock/nginx@${report?.digest ?? ""}`,
      labels: { "org.opencontainers.image.title": "nginx" },
      pushed: {
        reference: `${address}/drydock/nginx@${report?.digest ?? ""}`,
        tags: [report?.digest.slice(7, 19), "v1"],
        blobs: { present: { count: 0, bytes: 0 } },
        sbom: { pushed: true },
      },
    });
    expect(report?.layers.at(-1)).toMatchObject({ name: "site", from: "recipe", files: 1 });
    expect(report?.layers[0]?.from).toBe("base");
    const sbom = readFileSync(join(folder, "drydock-nginx.cdx.json"), "utf8");
    expect(sbom).toContain(report?.digest);

    const again = await run("nginx", "--push", address);
    expect(again).toMatch(/archive +\d+\.\d MB, built before/);
    expect(again).toMatch(/0 blobs sent \(0 B\), \d there already/);
    expect(again).toContain("SBOM there already");
  });

  it("builds a second time to compare", async () => {
    expect(await run("coredns", "--verify")).toContain("a second build gave the same digest");
  });

  it.each([
    [["nothing"], /^the program has no image nothing\n.*it has nginx, /],
    [["--tag", "v1"], /^--tag v1 has nothing to tag/],
    [["--push", "https://example.com"], /^--push https:\/\/example.com is no registry\n/],
    [["--nope"], /Unknown option '--nope'/],
  ])("refuses %j", async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });
});

describe("a registry", () => {
  it.each(["ghcr.io/me", "127.0.0.1:5000", "1.dkr.ecr.eu-west-1.amazonaws.com/", "host/a/b-c_d"])(
    "may be %s",
    (text) => {
      expect(registryArgument(text)).toBe(text.replace(/\/$/, ""));
    },
  );

  it.each(["", "http://x", "host/a:1", "a b", "host//a"])("is not %j", (text) => {
    expect(() => registryArgument(text)).toThrow("is no registry");
  });
});
