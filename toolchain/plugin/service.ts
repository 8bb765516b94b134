import type {
  handleUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import { offered, target, timeoutOf, unary, type Session } from "./call";
import {
  checkFailures,
  checkRequest,
  checkResponse,
  diffRequest,
  diffResponse,
  nameAndType,
} from "./messages";
import type { Context, ProviderPlugin } from "./provider";
import { fromStruct, toStruct } from "./values";
import { WireMessage } from "./wire";

const asWireMessage = { requestDeserialize: (bytes: Buffer) => new WireMessage(bytes) };

/** The methods of a resource provider, with what {@link providerService} expects as their requests. */
export const providerMethods: ServiceDefinition = {
  ...ResourceProviderService,
  checkConfig: { ...ResourceProviderService.checkConfig, ...asWireMessage },
  diffConfig: { ...ResourceProviderService.diffConfig, ...asWireMessage },
  check: { ...ResourceProviderService.check, ...asWireMessage },
  diff: { ...ResourceProviderService.diff, ...asWireMessage },
};

/**
 * The gRPC methods of a resource provider. Methods that are not here are answered by the server
 * itself with "unimplemented", which the engine takes as "not offered".
 */
export function providerService(
  plugin: ProviderPlugin,
  session: Session,
): UntypedServiceImplementation {
  const context: Context = {
    get signal() {
      return session.cancellation.signal;
    },
    log: session.log,
  };
  return {
    ...lifecycle(plugin, session),
    ...configuration(plugin, context, session),
    ...resources(plugin, context, session),
  };
}

function lifecycle(plugin: ProviderPlugin, session: Session): UntypedServiceImplementation {
  const call = <Q, R>(method: (request: Q) => R) =>
    unary<Q, R>(session, (request) => Promise.resolve(method(request)));
  const cancel: handleUnaryCall<Empty, Empty> = (_call, callback) => {
    callback(null, new Empty());
    // Answer first: the engine waits for it before it counts its grace period.
    setImmediate(() => {
      session.cancellation.abort();
    });
  };
  const connect = (engineAddress: string): void => {
    if (session.cancellation.signal.aborted) {
      session.cancellation = new AbortController();
    }
    if (engineAddress !== "") {
      session.log.connect(engineAddress);
    }
  };
  return {
    handshake: call((request: pb.ProviderHandshakeRequest) => {
      connect(request.getEngineAddress());
      const response = new pb.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptOutputs(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    attach: call((request: PluginAttach) => {
      connect(request.getAddress());
      return new Empty();
    }),
    getPluginInfo: call(() => {
      const response = new PluginInfo();
      response.setVersion(plugin.version);
      return response;
    }),
    cancel,
  };
}

function configuration(
  plugin: ProviderPlugin,
  context: Context,
  session: Session,
): UntypedServiceImplementation {
  return {
    getSchema: unary(session, async () => {
      const response = new pb.GetSchemaResponse();
      response.setSchema(await offered(plugin.getSchema?.()));
      return response;
    }),
    checkConfig: unary(session, async (request: WireMessage) =>
      checkResponse(await offered(plugin.checkConfig?.(checkRequest(request), context))),
    ),
    diffConfig: unary(session, async (request: WireMessage) =>
      diffResponse(await offered(plugin.diffConfig?.(diffRequest(request), context))),
    ),
    configure: unary(session, async (request: pb.ConfigureRequest) => {
      await plugin.configure?.(
        {
          args: fromStruct(request.getArgs()),
          urn: request.getUrn() ?? "",
          id: request.getId() ?? "",
        },
        context,
      );
      const response = new pb.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setAcceptoutputs(true);
      response.setSupportspreview(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    invoke: unary(session, async (request: pb.InvokeRequest) => {
      const call = {
        token: request.getTok(),
        args: fromStruct(request.getArgs()),
        preview: request.getPreview(),
      };
      const { result, failures } = await offered(plugin.invoke?.(call, context));
      const response = new pb.InvokeResponse();
      response.setReturn(toStruct(result));
      response.setFailuresList(checkFailures(failures ?? []));
      return response;
    }),
  };
}

function resources(
  plugin: ProviderPlugin,
  context: Context,
  session: Session,
): UntypedServiceImplementation {
  return {
    check: unary(session, async (request: WireMessage) =>
      checkResponse(await plugin.check(checkRequest(request), context)),
    ),
    diff: unary(session, async (request: WireMessage) =>
      diffResponse(await plugin.diff(diffRequest(request), context)),
    ),
    create: unary(session, async (request: pb.CreateRequest) => {
      const urn = request.getUrn();
      const inputs = fromStruct(request.getProperties());
      const preview = request.getPreview();
      const { id, outputs } = await plugin.create(
        { urn, ...nameAndType(urn), inputs, preview, ...timeoutOf(request) },
        context,
      );
      const response = new pb.CreateResponse();
      response.setId(id);
      response.setProperties(toStruct(outputs));
      return response;
    }),
    read: unary(session, async (request: pb.ReadRequest) => {
      const result = await plugin.read(
        {
          ...target(request),
          inputs: fromStruct(request.getInputs()),
          outputs: fromStruct(request.getProperties()),
          ...timeoutOf(request),
        },
        context,
      );
      const response = new pb.ReadResponse();
      // An empty id tells the engine that the object is gone.
      if (result !== undefined) {
        response.setId(result.id);
        response.setInputs(toStruct(result.inputs));
        response.setProperties(toStruct(result.outputs));
      }
      return response;
    }),
    update: unary(session, async (request: pb.UpdateRequest) => {
      const { outputs } = await plugin.update(
        {
          ...target(request),
          oldInputs: fromStruct(request.getOldInputs()),
          oldOutputs: fromStruct(request.getOlds()),
          news: fromStruct(request.getNews()),
          ignoreChanges: request.getIgnorechangesList(),
          preview: request.getPreview(),
          ...timeoutOf(request),
        },
        context,
      );
      const response = new pb.UpdateResponse();
      response.setProperties(toStruct(outputs));
      return response;
    }),
    delete: unary(session, async (request: pb.DeleteRequest) => {
      await plugin.delete(
        {
          ...target(request),
          inputs: fromStruct(request.getOldInputs()),
          outputs: fromStruct(request.getProperties()),
          ...timeoutOf(request),
        },
        context,
      );
      return new Empty();
    }),
  };
}
