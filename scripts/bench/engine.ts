import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import {
  GetRootResourceResponse,
  LogSeverity,
  type LogRequest,
  SetRootResourceResponse,
} from "@pulumi/pulumi/proto/engine_pb";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import {
  type RegisterResourceRequest,
  RegisterResourceResponse,
  type ResourceInvokeRequest,
  ResourceInvokeResponse,
  SupportsFeatureResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

/**
 * An engine that only listens: it answers a program in a preview at once, with its inputs as outputs,
 * so that the time it sees is the program's own.
 */
export class ListeningEngine {
  /** `performance.now()` of each registration. */
  readonly registrations: number[] = [];
  /** What the program had to say to its user as an error. */
  readonly errors: string[] = [];
  /** What the SDK had to say of its own steps. */
  readonly debugging: string[] = [];
  private readonly server = new Server();

  /** @returns address of both services, on loopback */
  async start(): Promise<string> {
    this.server.addService(EngineService, this.engine());
    this.server.addService(ResourceMonitorService, this.monitor());
    const credentials = ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return `127.0.0.1:${port}`;
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private engine(): UntypedServiceImplementation {
    const log: handleUnaryCall<LogRequest, Empty> = ({ request }, callback) => {
      if (request.getSeverity() === LogSeverity.ERROR) this.errors.push(request.getMessage());
      if (request.getSeverity() === LogSeverity.DEBUG) this.debugging.push(request.getMessage());
      callback(null, new Empty());
    };
    return {
      log,
      getRootResource: answer(new GetRootResourceResponse()),
      setRootResource: answer(new SetRootResourceResponse()),
    };
  }

  private monitor(): UntypedServiceImplementation {
    const register: handleUnaryCall<RegisterResourceRequest, RegisterResourceResponse> = (
      { request },
      callback,
    ) => {
      this.registrations.push(performance.now());
      const response = new RegisterResourceResponse();
      const parentTypes = request.getParent().split("::")[2];
      const types = parentTypes === undefined ? "" : `${parentTypes}$`;
      response.setUrn(
        `urn:pulumi:bench::drydock::${types}${request.getType()}::${request.getName()}`,
      );
      response.setObject(request.getObject());
      callback(null, response);
    };
    const invoke: handleUnaryCall<ResourceInvokeRequest, ResourceInvokeResponse> = (
      _,
      callback,
    ) => {
      const response = new ResourceInvokeResponse();
      response.setReturn(Struct.fromJavaScript({ engine: "native" }));
      callback(null, response);
    };
    const supports = new SupportsFeatureResponse();
    supports.setHassupport(true);
    return {
      registerResource: register,
      invoke,
      registerResourceOutputs: answer(new Empty()),
      supportsFeature: answer(supports),
      signalAndWaitForShutdown: answer(new Empty()),
    };
  }
}

function answer<Response>(response: Response): handleUnaryCall<unknown, Response> {
  return (_, callback) => callback(null, response);
}
