import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";

import { execa } from "execa";

import { applyEnvironment, projectEnvironment } from "../../toolchain/environment";
import { defaultCacheDirectory } from "../../toolchain/paths";
import { resolveTools } from "../../toolchain/resolve";
import { interleaved, type Measurement, root } from "./measure";

type Environment = Record<string, string | undefined>;

/** A no-change preview of the running dev stack against the preview of a program that is empty. */
export async function previews(rounds: number): Promise<Measurement[]> {
  const { pulumi, env } = await environment();
  const empty = benchProject(env, "\n");
  try {
    await execa(pulumi, ["stack", "init", "empty", "--non-interactive"], empty.options);
    const preview = (stack: string, options: object) => async () => {
      const start = performance.now();
      const args = ["preview", "--stack", stack, "--non-interactive", "--expect-no-changes"];
      await execa(pulumi, stack === "empty" ? args.slice(0, -1) : args, options);
      return (performance.now() - start) / 1000;
    };
    const dev = { cwd: root, env, extendEnv: false };
    const [emptyPreview, devPreview] = await interleaved(rounds, [
      preview("empty", empty.options),
      preview("dev", dev),
    ]);
    return [
      { name: "preview of an empty program", value: emptyPreview, unit: "s" },
      { name: "no-change preview of dev", value: devPreview, unit: "s" },
      { name: "dev / empty", value: devPreview / emptyPreview, unit: "x", limit: 2 },
    ];
  } finally {
    fs.rmSync(empty.folder, { recursive: true });
  }
}

/** The CLI and the environment that `npm start` uses, so that both previews have the same of both. */
export async function environment(): Promise<{ pulumi: string; env: Environment }> {
  const user = process.env;
  const tools = await resolveTools(["pulumi", "kubectl"], { env: user });
  const [pulumi, kubectl] = [tools.get("pulumi"), tools.get("kubectl")];
  if (pulumi === undefined || kubectl === undefined) throw new Error("pulumi was not resolved");
  const project = await projectEnvironment({
    root,
    stack: "dev",
    pulumi,
    tools: [kubectl],
    cacheDirectory: defaultCacheDirectory(user),
    env: user,
  });
  return { pulumi: pulumi.path, env: applyEnvironment(user, project) };
}

/** A project with a backend of its own, on the packages of this one. @param program CommonJS */
export function benchProject(base: Environment, program: string) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drydock-bench-"));
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text);
  write("Pulumi.yaml", "name: empty\nruntime: {name: nodejs, options: {typescript: false}}\n");
  write("package.json", '{"name": "empty", "private": true, "main": "index.js"}\n');
  write("index.js", program);
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  fs.mkdirSync(path.join(folder, "state"));
  const env = {
    ...base,
    PULUMI_BACKEND_URL: pathToFileURL(path.join(folder, "state")).href,
    PULUMI_CONFIG_PASSPHRASE: "bench",
  };
  return { folder, options: { cwd: folder, env, extendEnv: false } };
}
