import { type Data, type DataMap, Field, type Finding } from "./field";

/** What a rule may know of a resource. */
export interface ResourceFacts {
  readonly urn: string;
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  readonly inputs: DataMap;
  /** Inputs of the resource's provider; undefined where they are not told. */
  readonly provider?: DataMap | undefined;
  /** URNs of what the resource depends on. */
  readonly dependencies: readonly string[];
  /** URNs that the value of a top-level property comes from. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
}

/** One resource, as one evaluation of one rule sees it. */
export class Resource {
  readonly urn: string;
  readonly name: string;
  readonly protect: boolean;
  /** `apps/Deployment` for any version of it, the type token for what is not of Kubernetes. */
  readonly kind: string;
  /** Paths that were read and are not known yet. */
  readonly undecided = new Set<string>();
  private readonly root: Field;

  constructor(readonly facts: ResourceFacts) {
    this.urn = facts.urn;
    this.name = facts.name;
    this.protect = facts.protect;
    this.kind = kindOf(facts.type);
    this.root = new Field(this, "", facts.inputs);
  }

  at(...keys: readonly (string | number)[]): Field {
    return this.root.at(...keys);
  }

  /** A property of the provider; its findings are told of this resource. */
  provider(...keys: readonly string[]): Field {
    const inputs: Data | undefined = this.facts.provider;
    return new Field(this, "provider", inputs).at(...keys);
  }

  /** A finding about the resource as a whole, told at a property. */
  finding(path: string, problem: string): Finding {
    return { urn: this.urn, path, problem };
  }
}

/** All resources of a stack, as one evaluation of one rule sees them. */
export class Stack {
  readonly resources: readonly Resource[];
  private readonly byUrn: ReadonlyMap<string, Resource>;
  private readonly byKind = new Map<string, Resource[]>();

  constructor(facts: readonly ResourceFacts[]) {
    this.resources = facts.map((one) => new Resource(one));
    this.byUrn = new Map(this.resources.map((resource) => [resource.urn, resource]));
    for (const resource of this.resources) {
      const same = this.byKind.get(resource.kind);
      if (same === undefined) this.byKind.set(resource.kind, [resource]);
      else same.push(resource);
    }
  }

  of(...kinds: readonly string[]): readonly Resource[] {
    const [first = "", ...others] = kinds;
    const found = this.byKind.get(first) ?? [];
    return others.length === 0 ? found : [...found, ...this.of(...others)];
  }

  /** The resources that the value of a property comes from, known before the value is. */
  sources({ facts }: Resource, property: string): Resource[] {
    return this.find(facts.propertyDependencies[property] ?? []);
  }

  dependencies({ facts }: Resource): Resource[] {
    return this.find(facts.dependencies);
  }

  private find(urns: readonly string[]): Resource[] {
    return urns.flatMap((urn) => this.byUrn.get(urn) ?? []);
  }
}

const FORMER_GROUPS: Readonly<Record<string, string>> = {
  "extensions/Ingress": "networking.k8s.io/Ingress",
  "extensions/NetworkPolicy": "networking.k8s.io/NetworkPolicy",
};

const kinds = new Map<string, string>();

/** Kubernetes kinds by group and name, because a rule holds in every version of them. */
export function kindOf(type: string): string {
  const kind = kinds.get(type) ?? parsedKind(type);
  kinds.set(type, kind);
  return kind;
}

/** Computes once what is asked of the same resource or stack again. */
export function once<K extends object, T>(compute: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, { readonly value: T }>();
  return (of) => {
    const entry = known.get(of) ?? { value: compute(of) };
    known.set(of, entry);
    return entry.value;
  };
}

function parsedKind(type: string): string {
  const match = /^kubernetes:([^/:]+)\/[^/:]+:(\w+)$/.exec(type);
  if (match === null) return type;
  const [, group = "", name = ""] = match;
  const kind = `${group === "extensions" && name !== "Ingress" ? "apps" : group}/${name}`;
  return FORMER_GROUPS[`${group}/${name}`] ?? kind;
}
