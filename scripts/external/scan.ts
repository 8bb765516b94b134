import { execFile } from "node:child_process";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";

import type { Finding } from "./findings";

/** @returns standard output: a scanner's exit code says only that it has found something */
async function outputOf(command: string, args: readonly string[], cwd: string): Promise<string> {
  const options = {
    cwd,
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, LOG_LEVEL: "ERROR" },
  };
  const said = await promisify(execFile)(command, args, options).catch((error: unknown) => {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof failed.code !== "number" || !failed.stdout) {
      throw new Error(`${path.basename(command)} failed: ${failed.stderr ?? String(error)}`);
    }
    return { stdout: failed.stdout };
  });
  return said.stdout;
}

interface CheckovReport {
  readonly results: {
    readonly failed_checks: readonly {
      readonly check_id: string;
      readonly check_name: string;
      readonly resource: string;
    }[];
    readonly parsing_errors?: readonly string[];
  };
  readonly summary: { readonly passed: number };
}

export interface CheckovResult {
  readonly findings: readonly Finding[];
  readonly passed: number;
}

/**
 * Checkov has no severities without an account of its vendor: each finding counts.
 * @param nameOf a resource in our words; checkov's are `aws_vpc.name` and `Deployment.namespace.name`
 */
export async function checkov(
  command: string,
  folder: string,
  framework: "kubernetes" | "terraform",
  nameOf: (resource: string) => string,
): Promise<CheckovResult> {
  const args = ["-d", ".", "--framework", framework, "--compact", "--quiet", "-o", "json"];
  const text = await outputOf(command, [...args, "--skip-download"], folder);
  const report = JSON.parse(text) as CheckovReport;
  const { failed_checks: failed, parsing_errors: unread = [] } = report.results;
  if (unread.length > 0) throw new Error(`checkov cannot read ${unread.join(", ")}`);
  const findings = failed.map(({ check_id: rule, check_name: message, resource }) => ({
    ...{ scanner: "checkov", rule, message },
    resource: nameOf(resource),
  }));
  return { findings, passed: report.summary.passed };
}

interface Score {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    /** 1 critical, 5 warning, 7 nearly right, 10 right. */
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly summary: string }[] | null;
  }[];
}

export interface Graded {
  /** Of the grade critical. */
  readonly findings: readonly Finding[];
  /** Of lower grades: they are told, and do not fail. */
  readonly lower: readonly Finding[];
}

export async function kubeScore(
  command: string,
  folder: string,
  kubernetesVersion: string,
): Promise<Graded> {
  const flags = ["--output-format=json", `--kubernetes-version=v${kubernetesVersion}`];
  const files = await fs.readdir(folder);
  const scores = JSON.parse(
    await outputOf(command, ["score", ...flags, ...files], folder),
  ) as Score[];
  const all = scores.flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) =>
    checks
      .filter(({ skipped, grade }) => !skipped && grade < 10)
      .map(({ check, grade, comments }) => ({
        grade,
        finding: {
          scanner: "kube-score",
          rule: check.id,
          resource: `${kind} ${name}`,
          message: (comments ?? []).map(({ summary }) => summary).join("; "),
        },
      })),
  );
  const graded = (isCritical: boolean) =>
    all.filter(({ grade }) => grade <= 1 === isCritical).map(({ finding }) => finding);
  return { findings: graded(true), lower: graded(false) };
}

interface ParliamentFinding {
  readonly issue: string;
  readonly title: string;
  readonly severity: string;
  readonly detail: unknown;
  readonly location: { readonly filepath: string };
}

/**
 * @param folder of policies, one a file
 * @param resourceOf of a file's name
 */
export async function parliament(
  command: string,
  folder: string,
  resourceOf: (file: string) => string,
): Promise<Graded> {
  const text = await outputOf(
    command,
    ["--directory", folder, "--include_policy_extension", "json", "--json"],
    folder,
  );
  const all = text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as ParliamentFinding)
    .map(({ issue, title, severity, detail, location }) => ({
      // Checkov judges it too, for the actions that a resource can be named for; all else is a mistake.
      isLow: severity === "LOW" && issue === "RESOURCE_STAR",
      finding: {
        scanner: "parliament",
        rule: issue,
        resource: resourceOf(path.basename(location.filepath)),
        message: `${title}: ${JSON.stringify(detail)}`,
      },
    }));
  const graded = (low: boolean) =>
    all.filter(({ isLow }) => isLow === low).map(({ finding }) => finding);
  return { findings: graded(false), lower: graded(true) };
}
