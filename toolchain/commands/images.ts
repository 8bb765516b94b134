import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { appImages } from "../../apps/images";
import type { BuildOptions } from "../../infra/images/build";
import type { ImageRecipe } from "../../infra/images/recipe";
import { addOnRecipes } from "../../infra/images/system";
import { sbomFile } from "../../infra/images/store";
import { systemRecipes } from "../../infra/local/runtime/images";
import { REGISTRY_HOST } from "../../infra/local/runtime/registry";
import { ToolError } from "../errors";
import { defaultCacheDirectory } from "../paths";
import { withProgress } from "../progress";
import { resolveTools, type ToolName } from "../resolve";
import { readStackSettings } from "../stack-file";
import { localPlan, say, STACK, userPath, type CommandContext } from "./context";
import { pushWithSbom, registryArgument } from "./images-push";
import { type ImageReport, renderImages } from "./images-report";

interface ProgramImage {
  /** Name of the app, or of the part of the cluster. */
  readonly app: string;
  readonly recipe: ImageRecipe;
}

/**
 * Builds every image of the program, or those of the apps that are named, and says what is in them.
 * Standard output: the list.
 */
export async function images(context: CommandContext): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...context.args],
    allowPositionals: true,
    options: {
      push: { type: "string" },
      tag: { type: "string", multiple: true, default: [] },
      sbom: { type: "string" },
      verify: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const registry = values.push === undefined ? undefined : registryArgument(values.push);
  if (registry === undefined && values.tag.length > 0) {
    throw new ToolError({
      what: `--tag ${values.tag.join(" ")} has nothing to tag`,
      fix: "say where the image goes: --push REGISTRY",
    });
  }
  const { crane, program } = await programImages(context);
  const options: BuildOptions = {
    registry: REGISTRY_HOST,
    root: context.root,
    cacheDirectory: defaultCacheDirectory(context.env),
    crane,
    tool: async (name) => {
      const { env, signal } = context;
      const found = await withProgress((onProgress) =>
        resolveTools([name], { env, signal, onProgress }),
      );
      return found.get(name)?.path ?? name;
    },
    signal: context.signal,
    onProgress: say,
  };
  const folder = values.sbom === undefined ? undefined : userPath(values.sbom, context.env);
  const reports: ImageReport[] = [];
  for (const { app, recipe } of named(positionals, program)) {
    const report = await reportOn(app, recipe, options, { folder, verify: values.verify });
    const push = { tags: values.tag, crane, signal: context.signal };
    reports.push(
      registry === undefined
        ? report
        : { ...report, pushed: await pushWithSbom(recipe, report.image, { registry, ...push }) },
    );
  }
  process.stdout.write(
    values.json
      ? `${JSON.stringify(reports.map(withoutImage), undefined, 2)}\n`
      : renderImages(reports),
  );
  return 0;
}

/** The apps' images, and where the stack's cluster runs pods of its own on this machine, theirs. */
async function programImages(
  context: CommandContext,
): Promise<{ crane: string; program: readonly ProgramImage[] }> {
  const { root, env, signal } = context;
  const settings = await readStackSettings(root, STACK);
  const plan = await localPlan(context, settings);
  const system = plan?.tools.includes("coredns") === true;
  const names: ToolName[] = ["crane", ...(system ? (["coredns"] as const) : [])];
  const resolved = await withProgress((onProgress) =>
    resolveTools(names, { env, signal, onProgress, kubernetes: settings.kubernetes }),
  );
  const tools = Object.fromEntries([...resolved].map(([name, { path }]) => [name, path]));
  const made = (recipes: Readonly<Record<string, () => ImageRecipe>>) =>
    Object.entries(recipes).map(([app, recipe]) => ({ app, recipe: recipe() }));
  const apps = made(appImages);
  const cluster = system
    ? [
        ...Object.entries(systemRecipes(tools)).map(([app, recipe]) => ({ app, recipe })),
        ...made(addOnRecipes),
      ]
    : [];
  return { crane: tools.crane ?? "crane", program: [...apps, ...cluster] };
}

function named(
  names: readonly string[],
  program: readonly ProgramImage[],
): readonly ProgramImage[] {
  const unknown = names.filter((name) => !program.some(({ app }) => app === name));
  if (unknown.length > 0) {
    throw new ToolError({
      what: `the program has no image ${unknown.join(", ")}`,
      why: `it has ${program.map(({ app }) => app).join(", ")}`,
    });
  }
  return names.length === 0 ? program : program.filter(({ app }) => names.includes(app));
}

async function reportOn(
  app: string,
  recipe: ImageRecipe,
  options: BuildOptions,
  { folder, verify }: { folder: string | undefined; verify: boolean },
): Promise<ImageReport> {
  // Loaded when it is used: other commands need not know how an image is built or described.
  const [{ buildImage, findBuilt }, { describeImage }] = await Promise.all([
    import("../../infra/images/build.js"),
    import("../../infra/images/describe.js"),
  ]);
  const known = await findBuilt(recipe, options);
  const image = known ?? (await buildImage(recipe, options));
  if (verify) {
    const { verifyImage } = await import("../../infra/images/verify.js");
    say(`building ${recipe.name} once more, to compare`);
    await verifyImage(recipe, image, options);
  }
  const { sbom, ...description } = await describeImage(recipe, image);
  const file =
    folder === undefined
      ? sbomFile(image)
      : join(folder, `${recipe.name.replaceAll("/", "-")}.cdx.json`);
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  await writeFile(file, sbom.text);
  return {
    app,
    ...description,
    cached: known !== undefined,
    ...(verify ? { verified: true } : {}),
    sbom: { file, packages: sbom.packages, files: sbom.files },
    image,
  };
}

function withoutImage({ image: _image, ...report }: ImageReport): Omit<ImageReport, "image"> {
  return report;
}
