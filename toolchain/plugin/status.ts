import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";

import { PartialFailure, PluginError } from "./errors";
import { toStruct } from "./values";

/** A method this plugin leaves out. The engine has a default for each of those. */
export class NotOffered extends PluginError {
  constructor() {
    super("this plugin does not offer that method");
    this.name = "NotOffered";
  }
}

/** What was running when the user interrupted the run. */
export class CancelledError extends PluginError {
  constructor() {
    super("cancelled");
    this.name = "CancelledError";
  }
}

/** What the engine gets for a failed call: the plain message, with details where there are any. */
export function toServiceError(error: unknown): ServiceError {
  const message = messageOf(error);
  const metadata = new Metadata();
  if (error instanceof PartialFailure) {
    metadata.add("grpc-status-details-bin", Buffer.from(initFailed(error).serializeBinary()));
  }
  return Object.assign(new Error(message), {
    code: error instanceof NotOffered ? status.UNIMPLEMENTED : status.UNKNOWN,
    details: message,
    metadata,
  });
}

function messageOf(error: unknown): string {
  if (error instanceof PluginError) {
    return error.message;
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `unexpected failure inside the plugin: ${text}`;
}

function initFailed(error: PartialFailure): Status {
  const detail = new ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.outputs));
  detail.setReasonsList([...error.reasons]);
  if (error.inputs !== undefined) {
    detail.setInputs(toStruct(error.inputs));
  }
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const result = new Status();
  result.setCode(status.UNKNOWN);
  result.setMessage(error.message);
  result.addDetails(any);
  return result;
}
