import type { Client } from "@grpc/grpc-js";
import {
  credentials,
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AnalyzerClient, AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import {
  AnalyzerHandshakeResponse,
  type AnalyzerStackConfigureRequest,
  AnalyzerStackConfigureResponse,
} from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import { channelOptions, listen } from "./channel";
import { messageOf } from "./errors";

type Stack = AnalyzerStackConfigureRequest | undefined;

/** Messages pass through as bytes: a pack may know fields that this host does not. */
const bytes = (message: Buffer): Buffer => message;

/**
 * Stands between the engine and a policy pack. The SDK's pack runner reads the stack and its
 * configuration from the environment, so a pack can start only when the engine has told them,
 * which it does by a call to the pack's own service. The proxy takes that call, lets the host
 * start the pack, and hands every later call on.
 */
export class AnalyzerProxy {
  /**
   * The stack, once the engine has told it; undefined when it asks something else first (there
   * is none outside a preview or update).
   */
  readonly stack: Promise<Stack>;
  readonly #server = new Server(channelOptions);
  readonly #pack: Promise<AnalyzerClient>;
  #attached: AnalyzerClient | undefined;
  #tellStack!: (stack: Stack) => void;
  #resolvePack!: (pack: AnalyzerClient) => void;
  #rejectPack!: (reason: Error) => void;

  private constructor() {
    this.stack = new Promise((resolve) => (this.#tellStack = resolve));
    this.#pack = new Promise((resolve, reject) => {
      this.#resolvePack = resolve;
      this.#rejectPack = reject;
    });
    // A pack that fails before anyone asks for it is no unhandled rejection.
    this.#pack.catch(() => undefined);
  }

  /** Starts the service on a free loopback port. */
  static async start(): Promise<{ readonly proxy: AnalyzerProxy; readonly port: number }> {
    const proxy = new AnalyzerProxy();
    const { definition, implementation } = proxy.#service();
    proxy.#server.addService(definition, implementation);
    return { proxy, port: await listen(proxy.#server) };
  }

  /** Connects to the pack at a loopback port and tells it the stack. */
  async attach(port: number): Promise<void> {
    const pack = new AnalyzerClient(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
      channelOptions,
    );
    this.#attached = pack;
    const stack = await this.stack;
    if (stack !== undefined) {
      await new Promise<void>((resolve, reject) => {
        pack.configureStack(stack, (error) => {
          // Packs on older SDKs do not know the call.
          if (error === null || error.code === status.UNIMPLEMENTED) resolve();
          else reject(error);
        });
      });
    }
    this.#resolvePack(pack);
  }

  /** Ends the service; calls that wait for the pack fail with `reason`. */
  close(reason: string): void {
    this.#tellStack(undefined);
    this.#rejectPack(new Error(reason));
    this.#attached?.close();
    this.#server.forceShutdown();
  }

  #service(): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
    const { handshake, configureStack, ...forwarded } = AnalyzerService;
    const definition: Record<string, ServiceDefinition[string]> = { handshake, configureStack };
    const implementation: UntypedServiceImplementation = {
      handshake: ((_, callback) => {
        callback(null, new AnalyzerHandshakeResponse());
      }) satisfies handleUnaryCall<unknown, AnalyzerHandshakeResponse>,
      configureStack: ((call, callback) => {
        this.#tellStack(call.request);
        callback(null, new AnalyzerStackConfigureResponse());
      }) satisfies handleUnaryCall<AnalyzerStackConfigureRequest, AnalyzerStackConfigureResponse>,
    };
    for (const [name, method] of Object.entries(forwarded)) {
      definition[name] = { ...method, requestDeserialize: bytes, responseSerialize: bytes };
      implementation[name] = this.#forward(method.path);
    }
    return { definition, implementation };
  }

  #forward(path: string): handleUnaryCall<Buffer, Buffer> {
    return (call, callback) => {
      // A pack that has not started has nothing to cancel, and no reason to start for it.
      if (path === AnalyzerService.cancel.path && this.#attached === undefined) {
        callback(null, Buffer.from(new Empty().serializeBinary()));
        return;
      }
      this.#tellStack(undefined);
      this.#pack.then(
        (pack) => relay(pack, path, call, callback),
        (reason: unknown) => callback({ code: status.UNAVAILABLE, details: messageOf(reason) }),
      );
    };
  }
}

function relay(
  pack: Client,
  path: string,
  call: ServerUnaryCall<Buffer, Buffer>,
  callback: (error: ServiceError | null, response?: Buffer) => void,
): void {
  const sent = pack.makeUnaryRequest(path, bytes, bytes, call.request, call.metadata, callback);
  call.on("cancelled", () => sent.cancel());
}
