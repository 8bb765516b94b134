import * as fs from "node:fs";
import * as path from "node:path";

import { execa } from "execa";

import { bundle } from "../bundle.mjs";
import { interleaved, type Measurement, root } from "./measure";
import { benchProject, environment } from "./pulumi";

/**
 * The preview of 300 new resources on the running dev cluster, whose API server is asked about each of them,
 * with the policy pack, without one, and with one that judges nothing: the last is the engine's own price of
 * asking, two calls a resource.
 */
export async function policyCost(rounds: number): Promise<Measurement[]> {
  const { pulumi, env } = await environment();
  const program = fs.readFileSync(path.join(__dirname, "policy-program.cjs"), "utf8");
  const { folder, options } = benchProject(env, program);
  try {
    const silentPack = await buildSilentPack(path.join(folder, "pack"));
    await execa(pulumi, ["stack", "init", "empty", "--non-interactive"], options);
    const preview = (...packs: string[]) => {
      const flags = packs.flatMap((pack) => ["--policy-pack", pack]);
      const args = ["preview", "--stack", "empty", "--non-interactive", ...flags];
      return async () => {
        const start = performance.now();
        const { stdout } = await execa(pulumi, args, options);
        if (!stdout.includes("+ 302 to create")) throw new Error(`not 300 resources:\n${stdout}`);
        return (performance.now() - start) / 1000;
      };
    };
    const [none, silent, judged] = await interleaved(rounds, [
      preview(),
      preview(silentPack),
      preview(path.join(root, "dist", "policy", "drydock-policy")),
    ]);
    return [
      { name: "preview of 300 resources", value: none, unit: "s" },
      { name: "with a pack that judges nothing", value: silent, unit: "s" },
      { name: "with the policy pack", value: judged, unit: "s" },
      { name: "policy pack / one that judges nothing", value: judged / silent, unit: "x" },
      { name: "policy pack / none", value: judged / none, unit: "x", limit: 1.2 },
    ];
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function buildSilentPack(folder: string): Promise<string> {
  fs.mkdirSync(folder);
  fs.copyFileSync(path.join(root, "policy/package.json"), path.join(folder, "package.json"));
  const outfile = path.join(folder, "empty-pack");
  await bundle({ source: "scripts/bench/empty-pack.ts", outfile, executable: true });
  return outfile;
}
