import path from "node:path";

import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb";

import { LanguageHostError } from "./errors";

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManager = (typeof packageManagers)[number];

/** `runtime.options` of Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml. */
export interface RuntimeOptions {
  /** Load TypeScript sources through the SDK's ts-node. Default: true. */
  readonly typescript: boolean;
  /** Path of the tsconfig.json to load instead of the program's own. Default: none. */
  readonly tsconfig?: string;
  /** Arguments for node itself. Default: none. */
  readonly nodeargs: readonly string[];
  /** Default: by lock file. */
  readonly packagemanager?: PackageManager;
  /** Leave development dependencies out of an install. Default: false. */
  readonly production: boolean;
}

/** A program, policy pack or plugin, and how its project wants it run. */
export interface Program {
  /** Absolute path of the folder with the project file. */
  readonly rootDirectory: string;
  /** Absolute path of the folder the program runs in. */
  readonly directory: string;
  /** Entry point, relative to `directory`; "." is package.json's `main`. */
  readonly entryPoint: string;
  readonly options: RuntimeOptions;
}

/**
 * Reads the engine's ProgramInfo.
 *
 * @throws LanguageHostError when the info is missing or a runtime option has the wrong type.
 */
export function programFrom(info: ProgramInfo | undefined): Program {
  if (info === undefined) {
    throw new LanguageHostError(
      "the engine sent no program information: this language host needs Pulumi CLI 3.99 or later",
    );
  }
  const directory = path.resolve(info.getProgramDirectory());
  return {
    rootDirectory: path.resolve(info.getRootDirectory() || directory),
    directory,
    entryPoint: info.getEntryPoint() || ".",
    options: parseOptions(info.getOptions()?.toJavaScript() ?? {}),
  };
}

/** @throws LanguageHostError that names the option, its value and what it may be. */
export function parseOptions(raw: Readonly<Record<string, unknown>>): RuntimeOptions {
  const read = <T>(key: string, rule: string, fits: (value: unknown) => value is T) => {
    const value = raw[key];
    if (value === undefined || value === null || fits(value)) {
      return value ?? undefined;
    }
    throw new LanguageHostError(
      `runtime option "${key}" is ${JSON.stringify(value)}: it must be ${rule}; ` +
        "correct it under runtime.options of the project file",
    );
  };
  const tsconfig = read("tsconfig", "a path", isString);
  const manager = read("packagemanager", `auto, ${packageManagers.join(", ")}`, isManagerOption);
  return {
    typescript: read("typescript", "true or false", isBoolean) ?? true,
    nodeargs: splitArguments(read("nodeargs", "a string of arguments", isString) ?? ""),
    production: read("production", "true or false", isBoolean) ?? false,
    ...(tsconfig === undefined || tsconfig === "" ? {} : { tsconfig }),
    ...(manager === undefined || manager === "auto" ? {} : { packagemanager: manager }),
  };
}

const WORD = /(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+/gs;
const PART = /\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'/gs;

/** Splits a command line as a POSIX shell does: spaces, single and double quotes, backslashes. */
export function splitArguments(line: string): string[] {
  if (line.replace(WORD, "").trim() !== "") {
    throw new LanguageHostError(`runtime option "nodeargs" has a quote without an end: ${line}`);
  }
  return (line.match(WORD) ?? []).map((word) => word.replace(PART, unquoted));
}

function unquoted(_: string, escaped?: string, double?: string, single?: string): string {
  return escaped ?? double?.replace(/\\(["\\$`])/g, "$1") ?? single ?? "";
}

const isString = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isManagerOption = (value: unknown): value is PackageManager | "auto" =>
  ["auto", ...packageManagers].includes(value as PackageManager);

/** What the options mean to the SDK's runners. */
export function optionsEnvironment(options: RuntimeOptions): Record<string, string> {
  return {
    ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}
