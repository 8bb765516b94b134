import { connect, createServer, type Server, type Socket } from "node:net";

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Forwards TCP connections from one address of the host to a node. */
export class Forwarder {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private target: Target,
  ) {}

  /** @throws the system's error, such as EADDRINUSE */
  static listen(address: string, port: number, target: Target): Promise<Forwarder> {
    return new Promise((resolve, reject) => {
      // A client that has sent all it will may still wait for the answer.
      const server = createServer({ noDelay: true, allowHalfOpen: true });
      const forwarder = new Forwarder(server, target);
      server.on("connection", (socket) => forwarder.forward(socket));
      server.on("error", reject);
      server.listen(port, address, () => resolve(forwarder));
    });
  }

  /** New connections go there; those that stand stay where they are. */
  retarget(target: Target): void {
    this.target = target;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  private forward(client: Socket): void {
    const { address: host, port } = this.target;
    const node = connect({ host, port, noDelay: true, allowHalfOpen: true });
    for (const [socket, other] of [
      [client, node],
      [node, client],
    ] as const) {
      this.sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroySoon();
      });
    }
  }
}
