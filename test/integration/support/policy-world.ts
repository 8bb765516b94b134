import type { NetworkPolicy, NetworkState } from "../../../infra/local/network-policy/model";
import {
  namespaceOf,
  type NamespaceObject,
  podOf,
  type PodObject,
  policyOf,
} from "../../../infra/local/network-policy/objects";
import { Api, credentialsOf, type KubernetesObject } from "../../../infra/local/runtime/api";
import { cgroupPids } from "../../../infra/local/runtime/cgroups";
import { readText } from "../../../infra/local/runtime/process";
import { isAdmitted, type Packet } from "../../local/support/policy-oracle";
import { eventually } from "../../support/eventually";
import { PATIENCE_MS, Prober } from "./prober";

export type PolicySpec = NonNullable<NetworkPolicy["spec"]>;

export interface PodSettings {
  readonly namespace: string;
  readonly labels?: Record<string, string>;
  /** Number of the port named http. */
  readonly http?: number;
  /** Default: it waits. */
  readonly command?: readonly string[];
}

const PROBES = [
  ["TCP", 8080],
  ["TCP", 8081],
  ["UDP", 5353],
] as const;

/** Pods on a real cluster, each with a prober in its network, and the policies between them. */
export class PolicyWorld {
  readonly probers = new Map<string, Prober>();
  readonly addresses = new Map<string, string>();
  private readonly api: Api;

  constructor(
    private readonly cluster: string,
    kubeconfig: string,
    private readonly image: string,
  ) {
    this.api = new Api(credentialsOf(kubeconfig));
  }

  close(): void {
    this.probers.forEach((prober) => prober.stop());
    this.api.close();
  }

  create<T extends KubernetesObject>(path: string, object: object): Promise<T> {
    return this.api.call<T>("POST", path, object);
  }

  patch(path: string, change: object): Promise<unknown> {
    return this.api.call("PATCH", path, change);
  }

  namespace(name: string, labels: Record<string, string> = {}): Promise<unknown> {
    return this.create("/api/v1/namespaces", { metadata: { name, labels } });
  }

  createPod(name: string, settings: PodSettings): Promise<PodObject> {
    const { namespace, labels = {}, http = 8080, command } = settings;
    const container = {
      name: "main",
      image: this.image,
      imagePullPolicy: "IfNotPresent",
      command: command ?? ["sleep", "3600"],
      ports: [{ name: "http", containerPort: http }],
      ...(command === undefined
        ? { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }
        : {}),
    };
    return this.create<PodObject>(`/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name, labels: { name, ...labels } },
      spec: {
        containers: [container],
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
      },
    });
  }

  /** With a prober in its network. */
  async pod(name: string, settings: PodSettings): Promise<void> {
    const { metadata } = await this.createPod(name, settings);
    const path = `/api/v1/namespaces/${settings.namespace}/pods/${name}`;
    const address = await eventually(async () => {
      const { status } = await this.api.call<PodObject>("GET", path);
      return status?.phase === "Running" && status.podIPs?.[0]?.ip;
    });
    this.addresses.set(name, address);
    this.probers.set(
      name,
      await Prober.in(`--net=/proc/${String(this.pidOf(metadata.uid))}/ns/net`),
    );
  }

  prober(name: string): Prober {
    const prober = this.probers.get(name);
    if (prober === undefined) throw new Error(`no prober in ${name}`);
    return prober;
  }

  address(name: string): string {
    return this.addresses.get(name) ?? "";
  }

  /** Makes or replaces policies of a namespace; the others of it go. */
  async policies(namespace: string, specs: Readonly<Record<string, PolicySpec>>): Promise<void> {
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
    const { items } = await this.api.call<{ items: KubernetesObject[] }>("GET", path);
    for (const { metadata } of items) {
      await this.api.call("DELETE", `${path}/${metadata.name}`);
    }
    for (const [name, spec] of Object.entries(specs)) {
      await this.create(path, { metadata: { name }, spec });
    }
  }

  /** What the API server says now, with the addresses of every pod that has one. */
  async state(): Promise<NetworkState> {
    const list = async <T>(path: string): Promise<T[]> =>
      (await this.api.call<{ items: T[] }>("GET", path)).items;
    const pods = await list<PodObject>("/api/v1/pods");
    const policies = await list<NetworkPolicy>("/apis/networking.k8s.io/v1/networkpolicies");
    return {
      pods: pods.map(podOf).filter((pod) => pod !== undefined),
      namespaces: (await list<NamespaceObject>("/api/v1/namespaces")).map(namespaceOf),
      policies: policies.map(policyOf),
    };
  }

  /**
   * Every pod asks every pod, itself too, at each port.
   * @param awaited answers that are waited for longer, as {@link expected} gives them
   * @returns "from > to:port/protocol yes|no"
   */
  async seen(awaited: readonly string[] = []): Promise<string[]> {
    return this.matrix(({ prober, to, protocol, port }, question) => {
      const timeout = awaited.includes(`${question} yes`) ? PATIENCE_MS : undefined;
      return protocol === "TCP" ? prober.tcp(to, port, timeout) : prober.udp(to, port, timeout);
    });
  }

  /** What the documentation's words make of the same. */
  async expected(): Promise<string[]> {
    const state = await this.state();
    return this.matrix((packet) => Promise.resolve(isAdmitted(state, packet)));
  }

  private matrix(
    ask: (packet: Packet & { readonly prober: Prober }, question: string) => Promise<boolean>,
  ): Promise<string[]> {
    const rows = [...this.addresses].flatMap(([source, from]) =>
      [...this.addresses].flatMap(([target, to]) =>
        PROBES.map(async ([protocol, port]) => {
          const question = `${source} > ${target}:${String(port)}/${protocol}`;
          const packet = { prober: this.prober(source), from, to, protocol, port };
          return `${question} ${(await ask(packet, question)) ? "yes" : "no"}`;
        }),
      ),
    );
    return Promise.all(rows);
  }

  /** The first one, which lives as long as the pod. */
  private pidOf(uid = ""): number {
    const pids = cgroupPids(this.cluster).filter((pid) =>
      readText(`/proc/${String(pid)}/cgroup`)?.includes(uid),
    );
    if (pids.length === 0) throw new Error(`pod ${uid} has no process`);
    return Math.min(...pids);
  }
}
