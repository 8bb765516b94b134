import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A way to a server that can be closed and opened again: the server is away while it is closed. */
export interface Gate {
  /** The kubeconfig with the gate as its server. */
  readonly kubeconfig: string;
  /** Breaks what is under way and refuses connections. */
  close(): Promise<void>;
  open(): Promise<void>;
  remove(): Promise<void>;
}

export async function openGate(kubeconfig: string, server: string): Promise<Gate> {
  const target = new URL(server);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const listener = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname);
    [incoming, outgoing].forEach(keep);
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
    incoming.pipe(outgoing).pipe(incoming);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      listener.close(() => resolve());
      sockets.forEach((socket) => socket.destroy());
    });
  await listen(0);
  const { port } = listener.address() as AddressInfo;
  const through = `${target.protocol}//127.0.0.1:${String(port)}`;
  return {
    kubeconfig: kubeconfig.replaceAll(server, through),
    close,
    open: async () => {
      if (!listener.listening) {
        await listen(port);
      }
    },
    remove: close,
  };
}
