/** A range of IPv4 addresses: `address` is its first one as a number, `prefix` the length of its mask. */
export interface Cidr {
  readonly address: number;
  readonly prefix: number;
}

/** @param text such as "10.0.0.0/16"; bits beyond the prefix are cut off */
export function parseCidr(text: string): Cidr {
  const [address = "", prefix = ""] = text.split("/");
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = addresses({ prefix: Number(prefix) });
  return { address: Math.floor(number / size) * size, prefix: Number(prefix) };
}

export function formatCidr({ address, prefix }: Cidr): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

/** @returns how many addresses the range has, those that AWS keeps for itself included */
export function addresses({ prefix }: Pick<Cidr, "prefix">): number {
  return 2 ** (32 - prefix);
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return a.address < b.address + addresses(b) && b.address < a.address + addresses(a);
}

/**
 * @param prefix of the parts, at least that of the whole
 * @returns the part at `index`, counted from 0
 * @throws RangeError where the whole has no such part
 */
export function part(whole: Cidr, prefix: number, index: number): Cidr {
  const count = 2 ** (prefix - whole.prefix);
  if (!(count >= 1 && index >= 0 && index < count)) {
    throw new RangeError(`${formatCidr(whole)} has no part ${index} of /${prefix}.`);
  }
  return { address: whole.address + index * addresses({ prefix }), prefix };
}

/** Most zones that a plan has room for. */
export const MOST_ZONES = 4;

/** Prefixes of a VPC: EC2 takes no larger one; in a smaller one a private subnet has less than 251 addresses. */
export const VPC_PREFIXES = { min: 16, max: 21 } as const;

/** The ranges of one zone's subnets. */
export interface ZoneSubnets {
  /** Nodes and pods: an eighth of the VPC, because each pod has an address of its own. */
  readonly private: string;
  /** Load balancers and NAT gateways. */
  readonly public: string;
  /** Without a way out: the control plane's interfaces, VPC endpoints, mount targets. */
  readonly intra: string;
}

/**
 * Plans the subnets of a VPC. A zone's ranges depend on its place in the list and on nothing else, so
 * that a zone added at the end moves no subnet that is there.
 * @param vpc with a prefix within `VPC_PREFIXES`
 * @param zones `MOST_ZONES` at most
 */
export function planSubnets(
  vpc: string,
  zones: readonly string[],
): Readonly<Record<string, ZoneSubnets>> {
  const whole = parseCidr(vpc);
  const [large, small] = [whole.prefix + 3, whole.prefix + 4];
  const plan = zones.map((zone, index): [string, ZoneSubnets] => [
    zone,
    {
      private: formatCidr(part(part(whole, whole.prefix + 1, 0), large, index)),
      public: formatCidr(part(part(whole, whole.prefix + 2, 2), small, index)),
      intra: formatCidr(part(part(whole, whole.prefix + 2, 3), small, index)),
    },
  ]);
  return Object.fromEntries(plan);
}
