import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import { Forwarder } from "../../infra/local/agent/forwarder";
import { IngressStatus } from "../../infra/local/agent/ingress-status";
import { LoadBalancer } from "../../infra/local/agent/load-balancer";
import { Api, credentialsOf } from "../../infra/local/runtime/api";
import { OtherClient } from "../kubernetes/support/cluster";
import { stopApiServer } from "../support/api-server";
import { type ControlPlane, startControlPlane } from "../support/control-plane";
import {
  BALANCER_ADDRESS,
  expectClosed,
  NODE_ADDRESS,
  occupy,
  page,
  serve,
  Services,
  stopServer,
} from "./support/services";
import { eventually, eventuallyHolds } from "../support/eventually";

const ingressAt = (port: number) => [
  { ip: BALANCER_ADDRESS, ipMode: "Proxy", ports: [{ port, protocol: "TCP" }] },
];

describe("the agent on a real API server", () => {
  let plane: ControlPlane;
  let client: OtherClient;
  let services: Services;
  let stopAgent: () => Promise<void>;

  beforeAll(async () => {
    plane = await startControlPlane();
    client = new OtherClient(plane.kubeconfig);
    services = new Services(client);
    stopAgent = startAgent(plane.kubeconfig, NODE_ADDRESS);
  });

  afterAll(async () => {
    await stopAgent();
    client.close();
    await plane.stop();
  });

  it("gives a Service its address, forwards to the node port, and stops with the Service", async () => {
    const nodePort = await services.create("web", { port: 8080 });
    await backend(nodePort, "from the node");
    await eventuallyHolds(async () =>
      expect(await services.ingress("web")).toEqual(ingressAt(8080)),
    );
    expect(await page(8080)).toBe("from the node");
    await services.delete("web");
    await eventuallyHolds(() => expectClosed(8080));
  });

  it("follows a changed port, and closes the port of a Service that is no longer balanced", async () => {
    const nodePort = await services.create("moving", { port: 8081 });
    onTestFinished(() => services.delete("moving"));
    await backend(nodePort, "moved");
    await eventuallyHolds(async () => expect(await page(8081)).toBe("moved"));
    await services.change("moving", { ports: [{ port: 8082, nodePort, protocol: "TCP" }] });
    await eventuallyHolds(async () => expect(await page(8082)).toBe("moved"));
    await expectClosed(8081);
    await services.change("moving", { type: "ClusterIP" });
    await eventuallyHolds(() => expectClosed(8082));
  });

  it("tells Ingresses of Skipper's class where its Service answers, and those of others nothing", async () => {
    const path = "/apis/networking.k8s.io/v1";
    const remove = async (object: string) => {
      await client.delete(object);
    };
    const ingressClass = async (name: string, controller: string) => {
      const parameters = {
        kind: "Service",
        scope: "Namespace",
        namespace: "default",
        name: "door",
      };
      const spec = { controller, parameters };
      await client.post(`${path}/ingressclasses`, { metadata: { name }, spec });
      onTestFinished(() => remove(`${path}/ingressclasses/${name}`));
    };
    const ingresses = `${path}/namespaces/default/ingresses`;
    const ingress = async (name: string, ingressClassName: string) => {
      const backend = { service: { name: "web", port: { number: 80 } } };
      await client.post(ingresses, {
        metadata: { name },
        spec: { ingressClassName, defaultBackend: backend },
      });
      onTestFinished(() => remove(`${ingresses}/${name}`));
    };
    const addresses = async (name: string) => {
      const { status } = await client.get(`${ingresses}/${name}`);
      return (status as { loadBalancer?: { ingress?: unknown } }).loadBalancer?.ingress;
    };
    await ingressClass("ours", "zalando.org/skipper");
    await ingressClass("theirs", "example.com/other");
    await ingress("site", "ours");
    await ingress("other", "theirs");
    await services.create("door", { port: 8090 });
    const at = (port: number) => [{ ip: BALANCER_ADDRESS, ports: [{ port, protocol: "TCP" }] }];
    await eventuallyHolds(async () => expect(await addresses("site")).toEqual(at(8090)));
    await services.change("door", { ports: [{ port: 8091, protocol: "TCP" }] });
    await eventuallyHolds(async () => expect(await addresses("site")).toEqual(at(8091)));
    // A later one gets what is known already; the other controller's is nobody's here.
    await ingress("later", "ours");
    await eventuallyHolds(async () => expect(await addresses("later")).toEqual(at(8091)));
    expect(await addresses("other")).toBeUndefined();
    await services.delete("door");
    await eventuallyHolds(async () => expect(await addresses("site")).toBeUndefined());
  });

  it("leaves a port to the Service that had it first, and tells the second in an event", async () => {
    const first = await services.create("first", { port: 8083 });
    await backend(first, "first");
    await eventuallyHolds(async () =>
      expect(await services.ingress("first")).toEqual(ingressAt(8083)),
    );
    const held = connect(8083, BALANCER_ADDRESS);
    onTestFinished(() => void held.destroy());
    await new Promise((resolve) => held.once("connect", resolve));

    // Its name sorts before that of the first: age counts, not the order of a list.
    const second = await services.create("a-second", { port: 8083 });
    onTestFinished(() => services.delete("a-second"));
    await backend(second, "second");
    await eventuallyHolds(async () =>
      expect(await services.warnings("a-second")).toEqual([
        `SyncLoadBalancerFailed: ${BALANCER_ADDRESS}:8083 is taken by Service default/first: choose another port`,
      ]),
    );
    expect(await services.ingress("a-second")).toBeUndefined();
    expect(await page(8083)).toBe("first");
    expect(held.closed).toBe(false);

    await services.delete("first");
    await eventuallyHolds(async () =>
      expect(await services.ingress("a-second")).toEqual(ingressAt(8083)),
    );
    await eventuallyHolds(async () => expect(await page(8083)).toBe("second"));
    expect(await services.warnings("a-second")).toHaveLength(1);
  });

  it("names the address that another program holds, and takes it when it is free", async () => {
    const other = await occupy(BALANCER_ADDRESS, 8084);
    const nodePort = await services.create("blocked", { port: 8084 });
    onTestFinished(() => services.delete("blocked"));
    await backend(nodePort, "at last");
    await eventuallyHolds(async () =>
      expect(await services.warnings("blocked")).toEqual([
        `SyncLoadBalancerFailed: ${BALANCER_ADDRESS}:8084 is in use by another process: end it, or choose another port or cluster.loadBalancerAddress`,
      ]),
    );
    expect(await services.ingress("blocked")).toBeUndefined();
    await stopServer(other);
    await eventuallyHolds(async () =>
      expect(await services.ingress("blocked")).toEqual(ingressAt(8084)),
    );
    expect(await page(8084)).toBe("at last");
  });

  it("takes the address back from a Service whose new port cannot be had", async () => {
    const other = await occupy(BALANCER_ADDRESS, 8086);
    const nodePort = await services.create("changing", { port: 8085 });
    onTestFinished(() => services.delete("changing"));
    await backend(nodePort, "served");
    await eventuallyHolds(async () =>
      expect(await services.ingress("changing")).toEqual(ingressAt(8085)),
    );
    await services.change("changing", { ports: [{ port: 8086, nodePort, protocol: "TCP" }] });
    await eventuallyHolds(async () => expect(await services.ingress("changing")).toBeUndefined());
    await stopServer(other);
    await eventuallyHolds(async () =>
      expect(await services.ingress("changing")).toEqual(ingressAt(8086)),
    );
    expect(await page(8086)).toBe("served");
  });

  it.each([
    [
      "udp",
      { port: 8087, protocol: "UDP" },
      "port 8087 is UDP: the local load balancer forwards TCP only",
    ],
    [
      "no-node-port",
      { port: 8088, spec: { allocateLoadBalancerNodePorts: false } },
      "port 8088 has no nodePort: allocateLoadBalancerNodePorts must be true",
    ],
  ])("says what it cannot forward: %s", async (name, options, message) => {
    await services.create(name, options);
    onTestFinished(() => services.delete(name));
    await eventuallyHolds(async () =>
      expect(await services.warnings(name)).toEqual([`SyncLoadBalancerFailed: ${message}`]),
    );
  });

  it("leaves a Service of another class alone", async () => {
    await services.create("classed", {
      port: 8089,
      spec: { loadBalancerClass: "example.com/other" },
    });
    const later = await services.create("later", { port: 8090 });
    onTestFinished(async () => {
      await services.delete("classed");
      await services.delete("later");
    });
    expect(later).toBeGreaterThan(0);
    await eventuallyHolds(async () =>
      expect(await services.ingress("later")).toEqual(ingressAt(8090)),
    );
    expect(await services.ingress("classed")).toBeUndefined();
    await expectClosed(8089);
  });

  it("goes on forwarding while the API server is away, and takes up new Services after it", async () => {
    const nodePort = await services.create("steady", { port: 8091 });
    onTestFinished(() => services.delete("steady"));
    await backend(nodePort, "steady");
    await eventuallyHolds(async () => expect(await page(8091)).toBe("steady"));
    const start = await stopApiServer(plane.server);
    expect(await page(8091)).toBe("steady");
    start();
    const another = await eventuallyCreated(() => services.create("after", { port: 8092 }));
    onTestFinished(() => services.delete("after"));
    await backend(another, "after");
    await eventuallyHolds(async () => expect(await page(8092)).toBe("after"));
    expect(await page(8091)).toBe("steady");
  });

  it("gives only the address where every node is simulated: nobody would answer", async () => {
    await stopAgent();
    stopAgent = startAgent(plane.kubeconfig, null);
    await services.create("simulated", { port: 8093 });
    onTestFinished(() => services.delete("simulated"));
    await eventuallyHolds(async () =>
      expect(await services.ingress("simulated")).toEqual(ingressAt(8093)),
    );
    await expectClosed(8093);
  });
});

describe("a forwarder", () => {
  it("carries the answer to a client that has already sent its end", async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let said = "";
      socket.on("data", (chunk) => (said += String(chunk)));
      socket.on("end", () => setTimeout(() => socket.end(`heard ${said}`), 50));
    });
    await new Promise<void>((resolve) => server.listen(0, NODE_ADDRESS, resolve));
    const { port } = server.address() as { port: number };
    const forwarder = await Forwarder.listen(BALANCER_ADDRESS, 8094, {
      address: NODE_ADDRESS,
      port,
    });
    onTestFinished(async () => {
      forwarder.close();
      await stopServer(server);
    });
    const socket = connect({ host: BALANCER_ADDRESS, port: 8094, allowHalfOpen: true });
    socket.end("hello");
    expect(await text(socket)).toBe("heard hello");
  });

  it("ends a connection for which no node answers", async () => {
    const target = { address: NODE_ADDRESS, port: 1 };
    const forwarder = await Forwarder.listen(BALANCER_ADDRESS, 8095, target);
    onTestFinished(() => forwarder.close());
    const socket = connect(8095, BALANCER_ADDRESS);
    expect(await text(socket)).toBe("");
  });
});

/** @returns stops it and closes its ports */
function startAgent(kubeconfig: string, nodeAddress: string | null): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "drydock-agent-"));
  const file = join(folder, "kubeconfig");
  writeFileSync(file, JSON.stringify(parse(kubeconfig)));
  const api = new Api(credentialsOf(file));
  rmSync(folder, { recursive: true });
  const stop = new AbortController();
  const settings = { loadBalancerAddress: BALANCER_ADDRESS, nodeAddress };
  const parts = [new LoadBalancer(api, settings), new IngressStatus(api)];
  const running = Promise.all(parts.map((part) => part.run(stop.signal)));
  return async () => {
    stop.abort();
    await running;
    api.close();
  };
}

async function backend(port: number, answer: string): Promise<void> {
  const server = await serve(port, answer);
  onTestFinished(() => stopServer(server));
}

function eventuallyCreated(create: () => Promise<number>): Promise<number> {
  return eventually(() => create().catch(() => undefined));
}
