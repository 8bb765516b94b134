/** CPUs of the sizes that a node can have; none is so large that one node is all there is to see. */
const SIZES = [2, 4, 8, 16] as const;

/** GiB a CPU. The names are those of EC2's families with the same ratio. */
const FAMILIES = { c: 2, m: 4, r: 8 } as const;

/** Weights by which the cheapest type that fits is chosen; only their proportion counts. */
const PRICE = { cpu: 4, gib: 0.5 } as const;

/** A type of node as Karpenter's cloud provider kwok reads it (`--instance-types-file-path`). */
export interface InstanceType {
  readonly name: string;
  readonly architecture: string;
  readonly operatingSystems: readonly string[];
  readonly resources: Readonly<Record<string, string>>;
  readonly offerings: readonly Offering[];
}

interface Offering {
  readonly Price: number;
  readonly Available: true;
  readonly Requirements: readonly { key: string; operator: "In"; values: readonly string[] }[];
}

/** What Karpenter chooses from: `m.4` has 4 CPUs and 16 GiB. Each is to be had in each zone. */
export function instanceTypes(zones: readonly string[]): InstanceType[] {
  return Object.entries(FAMILIES).flatMap(([family, ratio]) =>
    SIZES.map((cpu) => ({
      name: `${family}.${String(cpu)}`,
      architecture: "amd64",
      operatingSystems: ["linux"],
      resources: {
        cpu: String(cpu),
        memory: `${String(cpu * ratio)}Gi`,
        pods: "110",
        "ephemeral-storage": "100Gi",
      },
      offerings: zones.map((zone) => ({
        Price: cpu * PRICE.cpu + cpu * ratio * PRICE.gib,
        Available: true,
        Requirements: [
          { key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"] },
          { key: "topology.kubernetes.io/zone", operator: "In", values: [zone] },
        ],
      })),
    })),
  );
}
