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
import { once } from "./once";
import { toStruct } from "./values";
import type { WireMessage } from "./wire";

/** The parts of a urn that requests leave out when they come from older engines. */
export function nameAndType(urn: string): { name: string; type: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { name: name.join("::"), type: types.split("$").at(-1) ?? "" };
}

/** Numbers of the fields that are read, as provider.proto gives them. */
const CHECK_REQUEST = { urn: 1, olds: 2, news: 3, randomSeed: 5, autonaming: 8 } as const;
const DIFF_REQUEST = { id: 1, urn: 2, olds: 3, news: 4, ignoreChanges: 5, oldInputs: 6 } as const;

/** @param message pulumirpc.CheckRequest */
export function checkRequest(message: WireMessage): CheckRequest {
  const field = CHECK_REQUEST;
  const urn = message.text(field.urn);
  const autonaming = autonamingOf(message);
  const olds = once(() => message.struct(field.olds));
  return {
    urn,
    ...nameAndType(urn),
    get olds() {
      return olds();
    },
    news: message.struct(field.news),
    randomSeed: message.bytes(field.randomSeed),
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

/**
 * The outputs, most of the message, are decoded when they are asked for: for what did not change, nobody does.
 * @param message pulumirpc.DiffRequest
 */
export function diffRequest(message: WireMessage): DiffRequest {
  const field = DIFF_REQUEST;
  const urn = message.text(field.urn);
  const oldOutputs = once(() => message.struct(field.olds));
  return {
    urn,
    type: nameAndType(urn).type,
    id: message.text(field.id),
    oldInputs: message.struct(field.oldInputs),
    get oldOutputs() {
      return oldOutputs();
    },
    news: message.struct(field.news),
    ignoreChanges: message.texts(field.ignoreChanges),
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

function autonamingOf(message: WireMessage): Autonaming | undefined {
  const { autonaming } = CHECK_REQUEST;
  if (!message.has(autonaming)) {
    return undefined;
  }
  const { Mode } = pb.CheckRequest.AutonamingOptions;
  const modes = {
    [Mode.PROPOSE]: "propose",
    [Mode.ENFORCE]: "enforce",
    [Mode.DISABLE]: "disable",
  } as const;
  const options = pb.CheckRequest.AutonamingOptions.deserializeBinary(message.bytes(autonaming));
  return { mode: modes[options.getMode()], proposedName: options.getProposedName() };
}
