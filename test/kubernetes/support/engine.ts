import {
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogSeverity, type LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import {
  fromStruct,
  startProvider,
  toStruct,
  type PropertyMap,
  type ProviderPlugin,
  type RunningProvider,
} from "../../../toolchain/plugin/serve";

export interface Message {
  readonly severity: "debug" | "info" | "warn" | "error" | "status";
  readonly text: string;
  readonly urn: string;
}

/** What the engine keeps of a resource. */
export interface State {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

/** The engine reads these from a failed call. */
export interface InitFailure {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly reasons: string[];
}

/** Speaks with a provider over gRPC as the engine does, and keeps the messages it gets. */
export class TestEngine {
  private constructor(
    private readonly client: ResourceProviderClient,
    readonly messages: readonly Message[],
    private readonly close: () => Promise<void>,
  ) {}

  /** @param plugin served in this process, or a function that starts a provider elsewhere */
  static async start(
    plugin: ProviderPlugin | ((engineAddress: string) => Promise<RunningProvider>),
  ): Promise<TestEngine> {
    const messages: Message[] = [];
    const server = new Server();
    server.addService(EngineService, {
      log: (call: ServerUnaryCall<LogRequest, Empty>, callback: sendUnaryData<Empty>) => {
        messages.push(messageOf(call.request));
        callback(null, new Empty());
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const engineAddress = `127.0.0.1:${String(port)}`;
    const provider = await (typeof plugin === "function"
      ? plugin(engineAddress)
      : startProvider(plugin, engineAddress));
    const client = new ResourceProviderClient(
      `127.0.0.1:${String(provider.port)}`,
      credentials.createInsecure(),
    );
    return new TestEngine(client, messages, async () => {
      client.close();
      await provider.stop();
      server.forceShutdown();
    });
  }

  stop(): Promise<void> {
    return this.close();
  }

  texts(severity: Message["severity"]): string[] {
    return this.messages.filter((message) => message.severity === severity).map(({ text }) => text);
  }

  /** The engine attaches afresh: what an earlier Cancel aborted does not count any more. */
  async handshake(): Promise<void> {
    const request = new pb.ProviderHandshakeRequest();
    await call<pb.ProviderHandshakeResponse>((done) => this.client.handshake(request, done));
  }

  async configure(args: PropertyMap): Promise<void> {
    const request = new pb.ConfigureRequest();
    request.setArgs(toStruct(args));
    await call<pb.ConfigureResponse>((done) => this.client.configure(request, done));
  }

  async checkConfig(news: PropertyMap): Promise<[string, string][]> {
    const request = new pb.CheckRequest();
    request.setUrn("urn:pulumi:test::drydock::pulumi:providers:kubernetes::k8s");
    request.setNews(toStruct(news));
    const response = await call<pb.CheckResponse>((done) => this.client.checkConfig(request, done));
    return response.getFailuresList().map((item) => [item.getProperty(), item.getReason()]);
  }

  async diffConfig(oldInputs: PropertyMap, news: PropertyMap): Promise<Difference> {
    const request = new pb.DiffRequest();
    request.setUrn("urn:pulumi:test::drydock::pulumi:providers:kubernetes::k8s");
    request.setOldInputs(toStruct(oldInputs));
    request.setOlds(toStruct(oldInputs));
    request.setNews(toStruct(news));
    return difference(await call((done) => this.client.diffConfig(request, done)));
  }

  async check(urn: string, news: PropertyMap, olds: PropertyMap = {}): Promise<PropertyMap> {
    const request = new pb.CheckRequest();
    request.setUrn(urn);
    request.setOlds(toStruct(olds));
    request.setNews(toStruct(news));
    request.setRandomseed(Buffer.alloc(32, 7));
    const response = await call<pb.CheckResponse>((done) => this.client.check(request, done));
    const failures = response.getFailuresList();
    if (failures.length > 0) {
      throw new Error(
        failures.map((item) => `${item.getProperty()}: ${item.getReason()}`).join("\n"),
      );
    }
    return fromStruct(response.getInputs());
  }

  async diff(
    urn: string,
    state: State,
    news: PropertyMap,
    options: CallOptions = {},
  ): Promise<Difference> {
    const request = new pb.DiffRequest();
    request.setUrn(urn);
    request.setId(state.id);
    request.setOldInputs(toStruct(state.inputs));
    request.setOlds(toStruct(state.outputs));
    request.setNews(toStruct(news));
    request.setIgnorechangesList([...(options.ignoreChanges ?? [])]);
    return difference(await call((done) => this.client.diff(request, done)));
  }

  async create(urn: string, inputs: PropertyMap, options: CallOptions = {}): Promise<State> {
    const request = new pb.CreateRequest();
    request.setUrn(urn);
    request.setProperties(toStruct(inputs));
    request.setTimeout(options.timeoutSeconds ?? 0);
    request.setPreview(options.preview ?? false);
    const response = await call<pb.CreateResponse>((done) => this.client.create(request, done));
    return { id: response.getId(), inputs, outputs: fromStruct(response.getProperties()) };
  }

  async update(
    urn: string,
    state: State,
    news: PropertyMap,
    options: CallOptions = {},
  ): Promise<State> {
    const request = new pb.UpdateRequest();
    request.setUrn(urn);
    request.setId(state.id);
    request.setOldInputs(toStruct(state.inputs));
    request.setOlds(toStruct(state.outputs));
    request.setNews(toStruct(news));
    request.setTimeout(options.timeoutSeconds ?? 0);
    request.setPreview(options.preview ?? false);
    request.setIgnorechangesList([...(options.ignoreChanges ?? [])]);
    const response = await call<pb.UpdateResponse>((done) => this.client.update(request, done));
    return { id: state.id, inputs: news, outputs: fromStruct(response.getProperties()) };
  }

  /** Undefined when the provider says that the object is gone. */
  async read(urn: string, state: State): Promise<State | undefined> {
    const request = new pb.ReadRequest();
    request.setUrn(urn);
    request.setId(state.id);
    request.setInputs(toStruct(state.inputs));
    request.setProperties(toStruct(state.outputs));
    const response = await call<pb.ReadResponse>((done) => this.client.read(request, done));
    return response.getId() === ""
      ? undefined
      : {
          id: response.getId(),
          inputs: fromStruct(response.getInputs()),
          outputs: fromStruct(response.getProperties()),
        };
  }

  async delete(urn: string, state: State, options: CallOptions = {}): Promise<void> {
    const request = new pb.DeleteRequest();
    request.setUrn(urn);
    request.setId(state.id);
    request.setOldInputs(toStruct(state.inputs));
    request.setProperties(toStruct(state.outputs));
    request.setTimeout(options.timeoutSeconds ?? 0);
    await call<Empty>((done) => this.client.delete(request, done));
  }

  async cancel(): Promise<void> {
    await call<Empty>((done) => this.client.cancel(new Empty(), done));
  }
}

export interface CallOptions {
  readonly preview?: boolean;
  /** As the resource option: the engine has put the old values back into the inputs already. */
  readonly ignoreChanges?: readonly string[];
  readonly timeoutSeconds?: number;
}

export interface Difference {
  readonly changes: "none" | "some" | "unknown";
  /** Path to kind, such as `UPDATE_REPLACE`. */
  readonly detailed: Record<string, string>;
  readonly replaces: string[];
  readonly deleteBeforeReplace: boolean;
}

/** What a failed call says about an object that exists but is not ready. */
export function initFailureOf(error: unknown): InitFailure {
  const [details] = (error as ServiceError).metadata.get("grpc-status-details-bin");
  const status = Status.deserializeBinary(details as Buffer);
  const detail = status
    .getDetailsList()[0]
    ?.unpack(
      (bytes) => pb.ErrorResourceInitFailed.deserializeBinary(bytes),
      "pulumirpc.ErrorResourceInitFailed",
    );
  if (detail === undefined || detail === null) {
    throw new Error(`no details: ${String(error)}`);
  }
  return {
    id: detail.getId(),
    outputs: fromStruct(detail.getProperties()),
    reasons: detail.getReasonsList(),
  };
}

/** The error's text as the user sees it. */
export async function failureOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => {
      throw new Error("expected a failure");
    },
    (error: unknown) => (error as ServiceError).details,
  );
}

function difference(response: pb.DiffResponse): Difference {
  const kinds = Object.entries(pb.PropertyDiff.Kind);
  const detailed: Record<string, string> = {};
  response.getDetaileddiffMap().forEach((value, path) => {
    detailed[path] = kinds.find(([, kind]) => kind === value.getKind())?.[0] ?? "";
  });
  const changes = (["unknown", "none", "some"] as const)[response.getChanges()];
  return {
    changes,
    detailed,
    replaces: response.getReplacesList(),
    deleteBeforeReplace: response.getDeletebeforereplace(),
  };
}

function messageOf(request: LogRequest): Message {
  const severities = {
    [LogSeverity.DEBUG]: "debug",
    [LogSeverity.INFO]: "info",
    [LogSeverity.WARNING]: "warn",
    [LogSeverity.ERROR]: "error",
  } as const;
  return {
    severity: request.getEphemeral() ? "status" : severities[request.getSeverity()],
    text: request.getMessage(),
    urn: request.getUrn(),
  };
}

function call<R>(
  start: (done: (error: ServiceError | null, response: R) => void) => unknown,
): Promise<R> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}
