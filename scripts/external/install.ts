import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";

import { defaultCacheDirectory } from "../../toolchain/paths";
import { ExternalError } from "./findings";

const run = promisify(execFile);

/** Where each program is. */
export interface Scanners {
  readonly checkov: string;
  readonly parliament: string;
  readonly kubeScore: string;
}

/**
 * Installs the scanners into the tool cache, unless they are there: those of PyPI by requirements.txt, whose
 * hashes pip checks, kube-score by its go.sum. About 300 MB and two minutes, once.
 * @throws ExternalError that says what is missing
 */
export async function installScanners(say: (line: string) => void): Promise<Scanners> {
  const python = await cached("scanners-python", "requirements.txt", async (folder, pins) => {
    say("installing checkov and parliament from PyPI");
    await must("Python 3.11 or later with venv", "python3", ["-m", "venv", folder]);
    const pip = path.join(folder, "bin/pip");
    const flags = ["--quiet", "--disable-pip-version-check", "--require-hashes"];
    await must("PyPI", pip, ["install", ...flags, "--requirement", pins]);
  });
  const go = await cached("scanners-go", "kube-score/go.sum", async (folder, pins) => {
    say("building kube-score");
    const flags = ["-C", path.dirname(pins), "-trimpath", "-buildvcs=false", "-mod=readonly"];
    const command = "github.com/zegl/kube-score/cmd/kube-score";
    const args = ["build", ...flags, "-o", `${folder}/`, command];
    await must("Go and its module proxy", "go", args);
  });
  return {
    checkov: path.join(python, "bin/checkov"),
    parliament: path.join(python, "bin/parliament"),
    kubeScore: path.join(go, "kube-score"),
  };
}

/** A folder of the cache for what a file pins; an unfinished one has no mark, and is made anew. */
async function cached(
  name: string,
  pinsFile: string,
  install: (folder: string, pins: string) => Promise<void>,
): Promise<string> {
  const pins = path.join(__dirname, pinsFile);
  const hash = createHash("sha256")
    .update(await fs.readFile(pins))
    .digest("hex")
    .slice(0, 12);
  const platform = `${process.platform}-${process.arch}`;
  const folder = path.join(defaultCacheDirectory(), "tools", `${name}-${hash}-${platform}`);
  const mark = path.join(folder, ".installed");
  if (await exists(mark)) return folder;
  await fs.rm(folder, { recursive: true, force: true });
  await fs.mkdir(folder, { recursive: true });
  await install(folder, pins);
  await fs.writeFile(mark, "");
  return folder;
}

function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

async function must(needs: string, command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const end = (stderr === "" ? message : stderr).trimEnd().split("\n").slice(-5).join("\n");
    throw new ExternalError(`The scanners need ${needs}, and ${command} failed:\n${end}`);
  }
}
