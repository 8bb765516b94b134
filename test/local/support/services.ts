import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:net";

import { expect } from "vitest";

import type { JsonMap } from "../../../toolchain/kubernetes/objects";
import type { OtherClient } from "../../kubernetes/support/cluster";

/** Addresses of 127.0.0.0/8 for this process alone, so that no other program holds a port of theirs. */
export const BALANCER_ADDRESS = `127.77.${String((process.pid >> 8) & 255)}.${String((process.pid & 255) | 1)}`;
export const NODE_ADDRESS = `127.78.${String((process.pid >> 8) & 255)}.${String((process.pid & 255) | 1)}`;

export interface ServiceOptions {
  readonly port: number;
  readonly protocol?: string;
  readonly spec?: JsonMap;
}

/** Services and events of the namespace `default`, as a user and kubectl see them. */
export class Services {
  constructor(private readonly client: OtherClient) {}

  /** @returns the node port that the API server chose */
  async create(
    name: string,
    { port, protocol = "TCP", spec = {} }: ServiceOptions,
  ): Promise<number> {
    const service = {
      metadata: { name },
      spec: { type: "LoadBalancer", ports: [{ port, protocol }], ...spec },
    };
    const made = await this.client.post("/api/v1/namespaces/default/services", service);
    return (
      (made as unknown as { spec: { ports: { nodePort?: number }[] } }).spec.ports[0]?.nodePort ?? 0
    );
  }

  async change(name: string, spec: JsonMap): Promise<void> {
    await this.client.merge(`/api/v1/namespaces/default/services/${name}`, { spec });
  }

  async delete(name: string): Promise<void> {
    await this.client.delete(`/api/v1/namespaces/default/services/${name}`);
  }

  async ingress(name: string): Promise<unknown> {
    const service = await this.client.get(`/api/v1/namespaces/default/services/${name}`);
    return (service as unknown as { status: { loadBalancer: { ingress?: unknown } } }).status
      .loadBalancer.ingress;
  }

  /** Messages of the Service's Warning events. */
  async warnings(name: string): Promise<string[]> {
    const { items } = (await this.client.get("/api/v1/namespaces/default/events")) as unknown as {
      items: { type: string; reason: string; message: string; involvedObject: { name: string } }[];
    };
    return items
      .filter((it) => it.involvedObject.name === name && it.type === "Warning")
      .map(({ reason, message }) => `${reason}: ${message}`);
  }
}

/** An HTTP server that plays what answers at a node port. */
export function serve(port: number, text: string): Promise<HttpServer> {
  return new Promise((resolve, reject) => {
    const server = createHttpServer((_, response) => response.end(text));
    server.once("error", reject);
    server.listen(port, NODE_ADDRESS, () => resolve(server));
  });
}

/** Another program that holds a port. */
export function occupy(address: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, address, () => resolve(server));
  });
}

export function stopServer(server: Server | HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ("closeAllConnections" in server) {
      server.closeAllConnections();
    }
  });
}

export async function page(port: number): Promise<string> {
  const response = await fetch(`http://${BALANCER_ADDRESS}:${String(port)}/`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(15_000),
  });
  return response.text();
}

/** That nothing listens at a port of the load balancer's address. */
export async function expectClosed(port: number): Promise<void> {
  await expect(page(port)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
}
