import type { PropertyMap } from "./values";

/** Messages to the user, shown beside the resource `urn` or, without one, for the whole run. */
export interface Log {
  debug(message: string, urn?: string): void;
  info(message: string, urn?: string): void;
  warn(message: string, urn?: string): void;
  error(message: string, urn?: string): void;
  /** A line that replaces the previous one in the CLI's progress and is not kept. */
  status(message: string, urn: string): void;
}

export interface Context {
  /** Aborted by Cancel (the user's Ctrl-C) and when the engine is gone. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface CheckFailure {
  /** Path of the offending property; empty for the resource as a whole. */
  readonly property: string;
  readonly reason: string;
}

export interface CheckResult {
  readonly inputs: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

export type DiffKind =
  "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface PropertyDiff {
  readonly kind: DiffKind;
  /** The path speaks of inputs, not of outputs. Default false. */
  readonly inputDiff?: boolean;
}

export interface DiffResult {
  readonly changes: "none" | "some" | "unknown";
  /** By property path, such as `spec.ports[0].port`. */
  readonly detailedDiff: Readonly<Record<string, PropertyDiff>>;
  /** Paths that force a replacement. Default: those of a `-replace` kind in `detailedDiff`. */
  readonly replaces?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
}

interface ResourceRequest {
  readonly urn: string;
  /** Type token, such as `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
}

interface NamedRequest extends ResourceRequest {
  /** Logical name: the last part of the urn. */
  readonly name: string;
}

/** How the stack's configuration wants names to be made; absent: as the provider likes. */
export interface Autonaming {
  readonly mode: "propose" | "enforce" | "disable";
  readonly proposedName: string;
}

export interface CheckRequest extends NamedRequest {
  /** Inputs of the last deployment; empty when the resource is new. */
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
  /** The same seed gives the same random name in preview and update. */
  readonly randomSeed: Uint8Array;
  readonly autonaming?: Autonaming;
}

export interface DiffRequest extends ResourceRequest {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
  readonly news: PropertyMap;
  readonly ignoreChanges: readonly string[];
}

/** `timeoutSeconds` is absent where the program sets none: the provider's default holds. */
interface Timed {
  readonly timeoutSeconds?: number;
}

export interface CreateRequest extends NamedRequest, Timed {
  readonly inputs: PropertyMap;
  readonly preview: boolean;
}

export interface CreateResult {
  /** Empty in a preview. */
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface ReadRequest extends ResourceRequest, Timed {
  readonly id: string;
  /** Empty on import. */
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

export interface ReadResult {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

export interface UpdateRequest extends DiffRequest, Timed {
  readonly preview: boolean;
}

export interface UpdateResult {
  readonly outputs: PropertyMap;
}

export interface DeleteRequest extends ResourceRequest, Timed {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

export interface ConfigureRequest {
  /** Settings of this provider resource, secrets wrapped, nested values as JSON text. */
  readonly args: PropertyMap;
  readonly urn: string;
  readonly id: string;
}

export interface InvokeRequest {
  /** Function token, such as `kubernetes:yaml:decode`. */
  readonly token: string;
  readonly args: PropertyMap;
  readonly preview: boolean;
}

export interface InvokeResult {
  readonly result: PropertyMap;
  readonly failures?: readonly CheckFailure[];
}

/**
 * What a resource provider has to answer. Every method may throw a {@link PluginError} for a
 * failure the user can mend; a method that is left out is answered with "unimplemented".
 */
export interface ProviderPlugin {
  /** Package name, such as `kubernetes`. */
  readonly name: string;
  /** Semantic version without a leading `v`. */
  readonly version: string;

  /** The package schema as JSON text. */
  getSchema?(): Promise<string>;
  checkConfig?(request: CheckRequest, context: Context): Promise<CheckResult>;
  diffConfig?(request: DiffRequest, context: Context): Promise<DiffResult>;
  /** Called once before any resource; not called while a setting is unknown. */
  configure?(request: ConfigureRequest, context: Context): Promise<void>;
  invoke?(request: InvokeRequest, context: Context): Promise<InvokeResult>;

  check(request: CheckRequest, context: Context): Promise<CheckResult>;
  diff(request: DiffRequest, context: Context): Promise<DiffResult>;
  create(request: CreateRequest, context: Context): Promise<CreateResult>;
  /** `undefined` when the object is gone. */
  read(request: ReadRequest, context: Context): Promise<ReadResult | undefined>;
  update(request: UpdateRequest, context: Context): Promise<UpdateResult>;
  delete(request: DeleteRequest, context: Context): Promise<void>;
}
