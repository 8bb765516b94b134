import type { Api, KubernetesObject } from "../runtime/api";
import { Collection, keyOf } from "./collection";
import { Forwarder } from "./forwarder";
import { Rounds } from "./rounds";

interface ServicePort {
  readonly port: number;
  readonly protocol?: string;
  readonly nodePort?: number;
}

interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string;
    readonly loadBalancerClass?: string;
    readonly ports?: readonly ServicePort[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly Ingress[] } };
}

interface Ingress {
  readonly ip?: string;
  readonly ipMode?: string;
  readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
}

interface OpenPort {
  readonly owner: string;
  readonly forwarder: Forwarder;
}

export interface LoadBalancerSettings {
  readonly loadBalancerAddress: string;
  readonly nodeAddress: string | null;
  /** Default 0. */
  readonly nodePortOffset?: number;
}

/**
 * What a cloud's controller does for Services of type LoadBalancer: gives each an address and
 * forwards its ports to the node. Here the address is one of the host's loopback.
 */
export class LoadBalancer {
  private readonly services: Collection<Service>;
  private readonly forwarders = new Map<number, OpenPort>();
  /** The last problem told, by Service. */
  private readonly reported = new Map<string, string>();
  private readonly rounds = new Rounds(() => this.reconcile());

  constructor(
    private readonly api: Api,
    private readonly settings: LoadBalancerSettings,
  ) {
    this.services = new Collection(api, {
      path: "/api/v1/services",
      keep: (service: Service) => service,
      changed: () => this.rounds.next(),
    });
  }

  /** Until `signal` aborts. An API server that is away is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    await this.rounds.whileFollowing([this.services], signal);
    for (const { forwarder } of this.forwarders.values()) {
      forwarder.close();
    }
  }

  /** Closes what no Service asks for, opens what is missing, and tells each Service its address. */
  private async reconcile(): Promise<void> {
    const balanced = this.services.values().filter(isOurs).sort(byAge);
    const wanted = new Set(
      balanced.flatMap((it) => portsOf(it).map(({ port }) => `${keyOf(it)} ${String(port)}`)),
    );
    for (const [port, { owner, forwarder }] of this.forwarders) {
      if (!wanted.has(`${owner} ${String(port)}`)) {
        forwarder.close();
        this.forwarders.delete(port);
      }
    }
    for (const service of balanced) {
      const problem = await this.open(service);
      if (problem === undefined) {
        this.reported.delete(keyOf(service));
        await this.assign(service, this.settings.loadBalancerAddress);
      } else {
        await this.assign(service, undefined);
        await this.report(service, problem);
      }
    }
  }

  /** @returns why a port cannot be served, in plain words */
  private async open(service: Service): Promise<string | undefined> {
    const { loadBalancerAddress: address, nodeAddress, nodePortOffset = 0 } = this.settings;
    if (nodeAddress === null) {
      return undefined;
    }
    for (const { port, nodePort, protocol } of portsOf(service)) {
      if (protocol !== undefined && protocol !== "TCP") {
        return `port ${String(port)} is ${protocol}: the local load balancer forwards TCP only`;
      }
      if (nodePort === undefined) {
        return `port ${String(port)} has no nodePort: allocateLoadBalancerNodePorts must be true`;
      }
      const open = this.forwarders.get(port);
      const target = { address: nodeAddress, port: nodePort + nodePortOffset };
      if (open !== undefined && open.owner !== keyOf(service)) {
        return `${address}:${String(port)} is taken by Service ${open.owner}: choose another port`;
      }
      if (open !== undefined) {
        open.forwarder.retarget(target);
        continue;
      }
      try {
        const forwarder = await Forwarder.listen(address, port, target);
        this.forwarders.set(port, { owner: keyOf(service), forwarder });
      } catch (error) {
        return explain(error, `${address}:${String(port)}`);
      }
    }
    return undefined;
  }

  /** @param ip undefined: none, since an address at which nothing answers would look served */
  private async assign(service: Service, ip: string | undefined): Promise<void> {
    const current = service.status?.loadBalancer?.ingress ?? [];
    const wanted = ip === undefined ? [] : [ingressOf(service, ip)];
    if (isSame(current, wanted)) {
      return;
    }
    const status = { loadBalancer: { ingress: wanted.length === 0 ? null : wanted } };
    await this.quietly(
      this.api.call("PATCH", `${pathOf(service)}/status?fieldManager=drydock-load-balancer`, {
        status,
      }),
    );
  }

  /** One Warning event for each new problem of a Service: `kubectl describe` and awaiters show it. */
  private async report(service: Service, message: string): Promise<void> {
    const { name, namespace = "default", uid } = service.metadata;
    const key = keyOf(service);
    const problem = `${uid ?? ""} ${message}`;
    if (this.reported.get(key) === problem) {
      return;
    }
    const now = new Date().toISOString();
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: "v1", kind: "Service", name, namespace, uid },
      type: "Warning",
      reason: "SyncLoadBalancerFailed",
      message,
      source: { component: "drydock-load-balancer" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    const told = this.api.call("POST", `/api/v1/namespaces/${namespace}/events`, event);
    await this.quietly(told.then(() => this.reported.set(key, problem)));
  }

  /** The Service may be gone by now, or the API server away: the next round sees. */
  private async quietly(call: Promise<unknown>): Promise<void> {
    await call.catch(() => undefined);
  }
}

function isOurs(service: Service): boolean {
  return service.spec.type === "LoadBalancer" && service.spec.loadBalancerClass === undefined;
}

/** Oldest first: who had a port keeps it, also when the agent starts anew. */
function byAge(left: Service, right: Service): number {
  const rank = (it: Service): string => `${it.metadata.creationTimestamp ?? ""} ${keyOf(it)}`;
  return rank(left) < rank(right) ? -1 : 1;
}

function portsOf(service: Service): readonly ServicePort[] {
  return service.spec.ports ?? [];
}

/** With its ports, so that who changed them sees when they answer. */
function ingressOf(service: Service, ip: string): Ingress {
  const ports = portsOf(service).map(({ port, protocol = "TCP" }) => ({ port, protocol }));
  // Proxy: kube-proxy must not catch the host's loopback address inside the cluster.
  return { ip, ipMode: "Proxy", ports };
}

function isSame(current: readonly Ingress[], wanted: readonly Ingress[]): boolean {
  const plain = (list: readonly Ingress[]) =>
    list.map(({ ip, ports = [] }) => [ip, ...ports.map(({ port, protocol }) => [port, protocol])]);
  return JSON.stringify(plain(current)) === JSON.stringify(plain(wanted));
}

function pathOf({ metadata }: Service): string {
  return `/api/v1/namespaces/${metadata.namespace ?? "default"}/services/${metadata.name}`;
}

function explain(error: unknown, address: string): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") {
    return `${address} is in use by another process: end it, or choose another port or cluster.loadBalancerAddress`;
  }
  if (code === "EACCES") {
    return `${address} needs root: choose a port of 1024 or above`;
  }
  return `${address} cannot be listened on (${code ?? String(error)})`;
}
