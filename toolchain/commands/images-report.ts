import type { ImageDescription, LayerDescription } from "../../infra/images/describe";
import type { BuiltImage } from "../../infra/images/store";
import type { PushReport } from "./images-push";

/** One image of the program, as `npm run images -- --json` gives it but for `image`. */
export interface ImageReport extends Omit<ImageDescription, "sbom"> {
  readonly app: string;
  /** False where it was built for this answer. */
  readonly cached: boolean;
  /** A second build gave the same image. */
  readonly verified?: boolean;
  readonly sbom: { readonly file: string; readonly packages: number; readonly files: number };
  readonly pushed?: PushReport;
  readonly image: BuiltImage;
}

/** For people. */
export function renderImages(reports: readonly ImageReport[]): string {
  return `${reports.map(renderImage).join("\n\n")}\n`;
}

function renderImage(report: ImageReport): string {
  const { app, reference, size, base, layers, labels, sbom } = report;
  const origin = {
    registry: "from its registry",
    debian: "assembled on this machine: the registry of the recipe did not answer",
    scratch: "nothing below",
  }[base.origin];
  const rows = [
    ["reference", reference],
    ["archive", `${bytes(size)}, ${report.cached ? "built before" : "built now"}`],
    ...(report.verified === true ? [["verified", "a second build gave the same digest"]] : []),
    ["base", `${base.name} (${origin})`],
    ...layers.map((layer, index) => [index === 0 ? "layers" : "", renderLayer(layer)]),
    ...Object.entries(labels).map(([name, value], index) => [
      index === 0 ? "labels" : "",
      `${name}=${value}`,
    ]),
    ["sbom", `${sbom.file} (${count(sbom.packages, "package")}, ${count(sbom.files, "file")})`],
    ...(report.pushed === undefined ? [] : renderPush(report.pushed)),
  ];
  return [app, ...rows.map(([name = "", text = ""]) => `  ${name.padEnd(10)} ${text}`)].join("\n");
}

function renderLayer({ name, digest, size, files, largest, from }: LayerDescription): string {
  const shown = largest.map((file) => `${file.path} ${bytes(file.size)}`).join(", ");
  const more = files > largest.length ? ", ..." : "";
  return `${digest.slice(0, 19)} ${bytes(size).padStart(8)}  ${from}: ${name} (${count(files, "file")}: ${shown}${more})`;
}

function renderPush({ reference, tags, blobs, sbom }: PushReport): string[][] {
  const { sent, present } = blobs;
  const kept = `${String(present.count)} there already (${bytes(present.bytes)})`;
  const where = sbom.fallbackTag === undefined ? "as a referrer" : `under ${sbom.fallbackTag}`;
  return [
    ["pushed", `${reference} as ${tags.join(", ")}`],
    ["", `${count(sent.count, "blob")} sent (${bytes(sent.bytes)}), ${kept}`],
    ["", `SBOM ${sbom.pushed ? where : "there already"}: ${sbom.reference.split("@")[1] ?? ""}`],
  ];
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? "" : "s"}`;
}

/** Decimal, as registries count. */
function bytes(number: number): string {
  if (number < 1000) return `${String(number)} B`;
  return number < 1e6 ? `${(number / 1e3).toFixed(1)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}
