import * as fs from "node:fs/promises";
import * as path from "node:path";

import { parse } from "yaml";

import type { Rendering } from "../../review/render";
import type { Finding } from "./findings";
import type { Scanners } from "./install";
import { plantedManifest, plantedResources } from "./planted";
import { policyStatements } from "./policies";
import { checkov, kubeScore, parliament } from "./scan";
import { renderedResources, terraform } from "./terraform";

export interface Scan {
  /** Of severity high and above, and those of scanners that grade none; what was planted is among them. */
  readonly findings: readonly Finding[];
  readonly lower: readonly Finding[];
  /** What was looked at, and what not, in words. */
  readonly coverage: readonly string[];
}

/** Writes a rendering in the forms that scanners read, with something bad in each, and runs them. */
export async function scanAll(
  scanners: Scanners,
  rendering: Rendering,
  folder: string,
): Promise<Scan> {
  const manifests = manifestsOf(rendering);
  const resources = renderedResources(rendering);
  const aws = terraform([...resources, ...plantedResources]);
  const statements = policyStatements([...resources, ...plantedResources]);
  const write = (name: string, texts: readonly string[], extension: string) =>
    written(path.join(folder, name), texts, extension);
  const objectsFolder = await write("objects", [...manifests, plantedManifest], "yaml");
  const awsFolder = await write("aws", [aws.text], "tf");
  const policiesFolder = await write(
    "policies",
    statements.map(({ text }) => text),
    "json",
  );
  const objectName = (id: string) => {
    const [kind = "", , ...name] = id.split(".");
    return `${kind} ${name.join(".")}`;
  };
  const awsName = (address: string) => {
    const resource = aws.addresses.get(address);
    return resource === undefined ? address : kindAndName(resource);
  };
  const onObjects = await checkov(scanners.checkov, objectsFolder, "kubernetes", objectName);
  const onAws = await checkov(scanners.checkov, awsFolder, "terraform", awsName);
  const scores = await kubeScore(scanners.kubeScore, objectsFolder, versionOf(rendering));
  const linted = await parliament(
    scanners.parliament,
    policiesFolder,
    (file) => statements[Number.parseInt(file)]?.resource ?? file,
  );
  const named = (scanner: string, findings: readonly Finding[]) =>
    findings.map((one) => ({ ...one, scanner }));
  const translated = aws.addresses.size - plantedResources.length;
  return {
    findings: [
      ...named("checkov on Kubernetes", onObjects.findings),
      ...named("checkov on AWS", onAws.findings),
      ...scores.findings,
      ...linted.findings,
    ],
    lower: [...scores.lower, ...linted.lower],
    coverage: [
      `Kubernetes objects: ${manifests.length} of ${manifests.length}; checkov passed ${onObjects.passed} checks, on what is planted too`,
      `AWS resources: ${translated} of ${translated + aws.untranslated.length} translated, checkov passed ` +
        `${onAws.passed} checks, on what is planted too`,
      `IAM policies: ${statements.length - 1} statements, each linted as a document`,
      ...notScanned(resources, aws.untranslated),
    ],
  };
}

function manifestsOf(rendering: Rendering): string[] {
  return [...rendering]
    .filter(([file]) => file.includes("/") && file.endsWith(".yaml"))
    .map(([, text]) => text);
}

const kindAndName = ({ type, name }: { readonly type: string; readonly name: string }) =>
  `${type.slice(type.lastIndexOf(":") + 1)} ${name}`;

function notScanned(
  resources: readonly { readonly type: string; readonly name: string }[],
  untranslated: readonly { readonly type: string; readonly name: string }[],
): string[] {
  const charts = resources.filter(({ type }) => type.startsWith("kubernetes:helm"));
  const images = resources.filter(({ type }) => /^drydock:\w+:(?:Image|Published)$/.test(type));
  return [
    ...[...charts, ...untranslated].map((one) => `not scanned: ${kindAndName(one)} (${one.type})`),
    ...images.map((one) => `not scanned: what is in ${kindAndName(one)}, which is built later`),
    "not scanned: components and providers, which make nothing themselves",
  ];
}

/** As the cluster's, so that deprecations are judged by it. */
function versionOf(rendering: Rendering): string {
  const config = parse(rendering.get("config.yaml") ?? "") as {
    "drydock:cluster": { kubernetesVersion: string };
  };
  return config["drydock:cluster"].kubernetesVersion;
}

/** One file a text, named by its place in the list. */
async function written(
  folder: string,
  texts: readonly string[],
  extension: string,
): Promise<string> {
  await fs.mkdir(folder);
  for (const [index, text] of texts.entries()) {
    await fs.writeFile(path.join(folder, `${index}.${extension}`), text);
  }
  return folder;
}
