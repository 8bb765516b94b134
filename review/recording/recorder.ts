import * as pulumi from "@pulumi/pulumi";
import * as resource from "@pulumi/pulumi/proto/resource_pb";

import {
  containsUnknown,
  fromStruct,
  isMap,
  mapValues,
  type PropertyMap,
  type PropertyValue,
  Secret,
  toStruct,
  UNKNOWN,
} from "../../toolchain/plugin/values";
import { plain, recordedResource, type RecordedResource, textOf } from "./recorded";

/**
 * What providers answer. A type or a function without a row fails the recording: a model that makes up
 * an answer would hide what the program really needs.
 */
export interface ProviderModel {
  readonly resources: Readonly<Record<string, ResourceModel>>;
  readonly functions: Readonly<Record<string, (args: PropertyMap) => PropertyMap>>;
}

/** What a provider adds to the inputs: known as soon as they are, and after the creation only. */
export type ResourceModel = (created: { readonly name: string; readonly inputs: PropertyMap }) => {
  readonly known?: PropertyMap;
  readonly computed?: PropertyMap;
};

/**
 * What to show in the place of a value that only a provider can tell.
 * @param path of the output, such as `status.address`; `id` is the resource's identifier
 * @param made what the model makes up
 */
export type StandIn = (
  resource: RecordedResource,
  path: string,
  made: PropertyValue,
) => PropertyValue;

export interface RecordingOptions {
  readonly mode: "preview" | "update";
  readonly model: ProviderModel;
  /** Of an update. Default: what the model makes up. */
  readonly standIn?: StandIn;
  readonly project?: string;
  readonly stack?: string;
  /** Full configuration keys, values as Pulumi hands them over. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface Recording {
  /** Sorted by URN. */
  readonly resources: readonly RecordedResource[];
  /** The stack's outputs. */
  readonly outputs: PropertyMap;
}

/** The program ran, and did what no program may do; lists everything. */
export class RecordingError extends Error {
  constructor(readonly failures: readonly string[]) {
    super(`The recording failed:\n${failures.map((failure) => `- ${failure}`).join("\n")}`);
    this.name = "RecordingError";
  }
}

const stackType = "pulumi:pulumi:Stack";
const outputAsText = /Calling \[?(?:toString|toJSON)\]? on an \[?Output/;

/**
 * Stands in for the engine's monitor. This is the one place that knows the SDK's internals; the tests of
 * this folder notice when a new version of the SDK changes them.
 */
export class Recorder {
  private readonly resources = new Map<string, RecordedResource>();
  private readonly states = new Map<string, PropertyMap>();
  private readonly failures: string[] = [];
  private activity = 0;

  constructor(
    private readonly options: RecordingOptions,
    private readonly urnPrefix: string,
  ) {}

  attach(): void {
    const unsupported = (what: string) => (_: unknown, callback: (error: Error) => void) => {
      this.failures.push(`the recorder does not support ${what}`);
      callback(new Error(`${what} is not supported`));
    };
    Object.assign(pulumi.runtime.getMonitor() as object, {
      registerResource: this.answering(this.register.bind(this)),
      registerResourceOutputs: this.answering(this.registerOutputs.bind(this)),
      invoke: this.answering(this.invoke.bind(this)),
      readResource: unsupported("readResource"),
      call: unsupported("call"),
    });
  }

  /** Registrations go on after the program's last statement; there is no event that ends them. */
  async settled(): Promise<void> {
    const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> };
    for (let quiet = 0, seen = -1; quiet < 5; quiet = this.activity === seen ? quiet + 1 : 0) {
      seen = this.activity;
      await waitForRPCs();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  recording(): Recording {
    if (this.failures.length > 0) throw new RecordingError([...new Set(this.failures)].sort());
    const resources = [...this.resources.values()].sort((a, b) => (a.urn < b.urn ? -1 : 1));
    const outputs = resources.find(({ type }) => type === stackType)?.outputs ?? {};
    return { resources, outputs };
  }

  private answering<Request, Response>(answer: (request: Request) => Response) {
    return (request: Request, callback: (error: Error | null, response?: Response) => void) => {
      this.activity += 1;
      let response: Response;
      try {
        response = answer(request);
      } catch (error) {
        this.failures.push(String(error));
        callback(error as Error);
        return;
      }
      callback(null, response);
    };
  }

  private register(request: resource.RegisterResourceRequest): resource.RegisterResourceResponse {
    const urn = this.urnOf(request);
    const recorded = recordedResource(urn, request);
    if (this.resources.has(urn)) this.failures.push(`registered twice: ${urn}`);
    if (outputAsText.test(JSON.stringify(plain(recorded.inputs)))) {
      this.failures.push(`an Output was made text in the inputs of ${urn}`);
    }
    this.resources.set(urn, recorded);

    const response = new resource.RegisterResourceResponse();
    response.setUrn(urn);
    // A remote component's outputs come from its plugin; one of the program's own has them itself.
    if (!recorded.custom && recorded.remote !== true) return response;
    const standIn = this.options.standIn ?? asMade;
    if (this.options.mode === "update") {
      response.setId(textOf(standIn(recorded, "id", `${recorded.name}-id`)));
    }
    const state = this.outputsOf(recorded);
    this.states.set(urn, { urn, id: response.getId(), state });
    response.setObject(toStruct(state));
    return response;
  }

  /** The SDK asks for what a reference to a resource stands for, such as the role of a component. */
  private stateOf(urn: string): PropertyMap {
    const state = this.states.get(urn);
    if (state === undefined) this.failures.push(`a reference to what is not registered: ${urn}`);
    return state ?? { urn, id: "", state: {} };
  }

  private outputsOf(recorded: RecordedResource): PropertyMap {
    const { urn, type, name, provider, inputs, remote } = recorded;
    const { model, mode, standIn = asMade } = this.options;
    const row = model.resources[type];
    if (row === undefined) {
      this.failures.push(`the model has no row for the type ${type} of ${urn}`);
      return {};
    }
    // As the engine does where a provider cannot be configured yet: it is not asked at all.
    if (containsUnknown(this.resources.get(provider)?.inputs)) return {};
    const { known = {}, computed = {} } = row({ name, inputs });
    const show = (made: PropertyValue, path: string) => standIn(recorded, path, made);
    const later = mapValues(computed, (value, key) =>
      mode === "update" ? leaves(value, show, key) : UNKNOWN,
    );
    // A component's outputs are its own; what it was given it does not give back.
    return { ...(remote === true ? {} : inputs), ...known, ...later };
  }

  private registerOutputs(request: resource.RegisterResourceOutputsRequest): object {
    const owner = this.resources.get(request.getUrn());
    const outputs = fromStruct(request.getOutputs());
    if (owner !== undefined) owner.outputs = outputs;
    if (outputAsText.test(JSON.stringify(plain(outputs)))) {
      this.failures.push(`an Output was made text in the outputs of ${request.getUrn()}`);
    }
    return {};
  }

  private invoke(request: resource.ResourceInvokeRequest): resource.ResourceInvokeResponse {
    const answer =
      request.getTok() === "pulumi:pulumi:getResource"
        ? (args: PropertyMap) => this.stateOf(textOf(args.urn))
        : this.options.model.functions[request.getTok()];
    if (answer === undefined) this.failures.push(`the model has no row for ${request.getTok()}`);
    const response = new resource.ResourceInvokeResponse();
    response.setReturn(toStruct(answer?.(fromStruct(request.getArgs())) ?? {}));
    return response;
  }

  /** As the engine makes it: the types of all ancestors but the stack, then the resource's own. */
  private urnOf(request: resource.RegisterResourceRequest): string {
    const parentTypes = request.getParent().split("::")[2] ?? stackType;
    const types = parentTypes === stackType ? "" : `${parentTypes}$`;
    return `${this.urnPrefix}${types}${request.getType()}::${request.getName()}`;
  }
}

const asMade: StandIn = (_resource, _path, made) => made;

/** A copy with other leaves: whatever holds no other value. */
function leaves(
  value: PropertyValue,
  change: (leaf: PropertyValue, path: string) => PropertyValue,
  path: string,
): PropertyValue {
  const inside = (child: PropertyValue, key: string | number) =>
    leaves(child, change, `${path}.${key}`);
  if (value instanceof Secret) return new Secret(leaves(value.value, change, path));
  if (Array.isArray(value)) return value.map(inside);
  return isMap(value) ? mapValues(value, inside) : change(value, path);
}
