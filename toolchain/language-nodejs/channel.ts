import { type Server, ServerCredentials } from "@grpc/grpc-js";

/**
 * For servers and clients alike: whole stacks and schemas travel in one message, far beyond the
 * 4 MiB of gRPC, and a proxy configured for the web must not be asked for loopback addresses.
 */
export const channelOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.enable_http_proxy": 0,
};

/** Binds a server to a free port on 127.0.0.1. @returns the port */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
