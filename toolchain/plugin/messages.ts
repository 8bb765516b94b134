import * as pb from "@pulumi/pulumi/proto/provider_pb";

import type {
  Autonaming,
  CheckFailure,
  CheckRequest,
  CheckResult,
  DiffKind,
  DiffRequest,
  DiffResult,
} from "./provider";
import { fromStruct, toStruct } from "./values";

/** The parts of a urn that requests leave out when they come from older engines. */
export function nameAndType(urn: string): { name: string; type: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { name: name.join("::"), type: types.split("$").at(-1) ?? "" };
}

export function checkRequest(request: pb.CheckRequest): CheckRequest {
  const urn = request.getUrn();
  const autonaming = autonamingOf(request);
  return {
    urn,
    ...nameAndType(urn),
    olds: fromStruct(request.getOlds()),
    news: fromStruct(request.getNews()),
    randomSeed: request.getRandomseed_asU8(),
    ...(autonaming === undefined ? {} : { autonaming }),
  };
}

export function checkResponse(result: CheckResult): pb.CheckResponse {
  const response = new pb.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  response.setFailuresList(checkFailures(result.failures));
  return response;
}

export function checkFailures(failures: readonly CheckFailure[]): pb.CheckFailure[] {
  return failures.map(({ property, reason }) => {
    const failure = new pb.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    return failure;
  });
}

export function diffRequest(request: pb.DiffRequest): DiffRequest {
  const urn = request.getUrn();
  return {
    urn,
    type: nameAndType(urn).type,
    id: request.getId(),
    oldInputs: fromStruct(request.getOldInputs()),
    oldOutputs: fromStruct(request.getOlds()),
    news: fromStruct(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

export function diffResponse(result: DiffResult): pb.DiffResponse {
  const response = new pb.DiffResponse();
  const paths = Object.keys(result.detailedDiff);
  const replaces = result.replaces ?? paths.filter((path) => isReplace(result, path));
  response.setChanges(CHANGES[result.changes]);
  response.setReplacesList([...replaces]);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  response.setDiffsList([...new Set(paths.map(topLevelKey))]);
  response.setHasdetaileddiff(paths.length > 0);
  for (const [path, { kind, inputDiff }] of Object.entries(result.detailedDiff)) {
    const diff = new pb.PropertyDiff();
    diff.setKind(KINDS[kind]);
    diff.setInputdiff(inputDiff ?? false);
    response.getDetaileddiffMap().set(path, diff);
  }
  return response;
}

const CHANGES = {
  none: pb.DiffResponse.DiffChanges.DIFF_NONE,
  some: pb.DiffResponse.DiffChanges.DIFF_SOME,
  unknown: pb.DiffResponse.DiffChanges.DIFF_UNKNOWN,
} as const;

const KINDS: Record<DiffKind, pb.PropertyDiff.Kind> = {
  add: pb.PropertyDiff.Kind.ADD,
  "add-replace": pb.PropertyDiff.Kind.ADD_REPLACE,
  delete: pb.PropertyDiff.Kind.DELETE,
  "delete-replace": pb.PropertyDiff.Kind.DELETE_REPLACE,
  update: pb.PropertyDiff.Kind.UPDATE,
  "update-replace": pb.PropertyDiff.Kind.UPDATE_REPLACE,
};

function isReplace(result: DiffResult, path: string): boolean {
  return result.detailedDiff[path]?.kind.endsWith("-replace") ?? false;
}

function topLevelKey(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

function autonamingOf(request: pb.CheckRequest): Autonaming | undefined {
  const options = request.getAutonaming();
  if (options === undefined) {
    return undefined;
  }
  const { Mode } = pb.CheckRequest.AutonamingOptions;
  const modes = {
    [Mode.PROPOSE]: "propose",
    [Mode.ENFORCE]: "enforce",
    [Mode.DISABLE]: "disable",
  } as const;
  return { mode: modes[options.getMode()], proposedName: options.getProposedName() };
}
