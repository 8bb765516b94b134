import { bundle as bundleProgram } from "../../scripts/bundle.mjs";

/** One executable file, as scripts/build.mjs makes it. `source` is relative to the project. */
export async function bundle(source: string, outfile: string): Promise<void> {
  await bundleProgram({ source, outfile, executable: true });
}
