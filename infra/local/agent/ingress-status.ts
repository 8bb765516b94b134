import type { Api, KubernetesObject } from "../runtime/api";
import { INGRESS_CONTROLLER } from "../runtime/spec";
import { Collection, keyOf } from "./collection";
import { Rounds } from "./rounds";

const DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class";

/** One entry of `status.loadBalancer.ingress`, of a Service and of an Ingress alike. */
interface Address {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
}

interface Balanced extends KubernetesObject {
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly Address[] } };
}

interface Ingress extends Balanced {
  readonly spec?: { readonly ingressClassName?: string };
}

interface IngressClass extends KubernetesObject {
  readonly spec?: {
    readonly controller?: string;
    readonly parameters?: {
      readonly kind?: string;
      readonly namespace?: string;
      readonly name?: string;
    };
  };
}

/**
 * Tells each Ingress of Skipper's class where it answers, which Skipper leaves to others: at the address
 * of the Service that the class names as its parameters.
 */
export class IngressStatus {
  private readonly classes: Collection<IngressClass>;
  private readonly services: Collection<Balanced>;
  private readonly ingresses: Collection<Ingress>;
  private readonly rounds = new Rounds(() => this.reconcile());

  constructor(private readonly api: Api) {
    const changed = () => this.rounds.next();
    this.classes = new Collection(api, {
      path: "/apis/networking.k8s.io/v1/ingressclasses",
      keep: (one: IngressClass) =>
        one.spec?.controller === INGRESS_CONTROLLER && one.spec.parameters?.kind === "Service"
          ? one
          : undefined,
      changed,
    });
    this.services = new Collection(api, {
      path: "/api/v1/services",
      keep: (service: Balanced) => service,
      changed,
    });
    this.ingresses = new Collection(api, {
      path: "/apis/networking.k8s.io/v1/ingresses",
      keep: (ingress: Ingress) => ingress,
      changed,
    });
  }

  /** Until `signal` aborts. An API server that is away is waited for. */
  run(signal: AbortSignal): Promise<void> {
    return this.rounds.whileFollowing([this.classes, this.services, this.ingresses], signal);
  }

  private async reconcile(): Promise<void> {
    // Before all are seen, a Service that is there would pass for one that is gone.
    if (![this.classes, this.services, this.ingresses].every(({ isListed }) => isListed)) return;
    for (const ingress of this.ingresses.values()) {
      const own = this.classes.values().find((one) => belongs(ingress, one));
      if (own !== undefined) await this.assign(ingress, this.addressesOf(own));
    }
  }

  private addressesOf({ spec }: IngressClass): readonly Address[] {
    const { namespace = "", name = "" } = spec?.parameters ?? {};
    const service = this.services.values().find((one) => keyOf(one) === `${namespace}/${name}`);
    return (service?.status?.loadBalancer?.ingress ?? []).map(plain);
  }

  private async assign(ingress: Ingress, wanted: readonly Address[]): Promise<void> {
    const current = (ingress.status?.loadBalancer?.ingress ?? []).map(plain);
    if (JSON.stringify(current) === JSON.stringify(wanted)) return;
    const { name, namespace = "default" } = ingress.metadata;
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}/status`;
    const status = { loadBalancer: { ingress: wanted.length === 0 ? null : wanted } };
    // It may be gone by now, or the API server away: the next round sees.
    await this.api
      .call("PATCH", `${path}?fieldManager=drydock-ingress`, { status })
      .catch(() => undefined);
  }
}

/** One that names no class belongs to the default one, as the API server would have written it. */
function belongs({ spec }: Ingress, { metadata }: IngressClass): boolean {
  const named = spec?.ingressClassName;
  if (named === undefined) return metadata.annotations?.[DEFAULT_CLASS] === "true";
  return named === metadata.name;
}

/** What an Ingress has of it; in one order, to be compared. */
function plain({ ip, hostname, ports }: Address): Address {
  return {
    ...(ip !== undefined && { ip }),
    ...(hostname !== undefined && { hostname }),
    ...(ports && { ports: ports.map(({ port, protocol }) => ({ port, protocol })) }),
  };
}
