import { execa } from "execa";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { rulesOf } from "../../../infra/local/network-policy/apply";
import type {
  NetworkPolicy,
  NetworkState,
  Peer,
  Pod,
  PolicyPort,
} from "../../../infra/local/network-policy/model";
import type { LabelSelector } from "../../../infra/local/network-policy/selector";
import { asRoot, ROOT_REASON } from "../support/host";
import { isAdmitted, type Packet, passes } from "../support/policy-oracle";

const NAMESPACES = ["a", "b", "c"];
const OUTSIDE = ["10.213.0.1", "192.168.7.9", "10.244.9.9"];
const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const PORTS = [80, 81, 8080, 9000];
const BLOCKS = [
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.244.0.0/16",
  "10.244.0.4/30",
  "10.244.0.5/32",
  "192.168.7.200/24",
  "fd00::/8",
];

const labels = fc.dictionary(
  fc.constantFrom("app", "tier", "team"),
  fc.constantFrom("x", "y", "z"),
  { maxKeys: 3 },
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: labels,
    matchExpressions: fc.array(
      fc.record({
        key: fc.constantFrom("app", "tier", "team"),
        operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"),
        values: fc.array(fc.constantFrom("x", "y", "z"), { minLength: 1, maxLength: 2 }),
      }),
      { maxLength: 1 },
    ),
  },
  { requiredKeys: [] },
);
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  fc.record({
    ipBlock: fc.record(
      {
        cidr: fc.constantFrom(...BLOCKS),
        except: fc.array(fc.constantFrom("10.244.0.4/31", "10.244.0.4/30", "10.213.0.0/24"), {
          maxLength: 2,
        }),
      },
      { requiredKeys: ["cidr"] },
    ),
  }),
);
const protocol = fc.constantFrom(...PROTOCOLS);
const policyPort: fc.Arbitrary<PolicyPort> = fc.oneof(
  fc.record({ protocol }),
  fc.record(
    { protocol, port: fc.oneof(fc.constantFrom(...PORTS), fc.constantFrom("http", "dns")) },
    { requiredKeys: ["port"] },
  ),
  fc.record({ protocol, port: fc.constant(80), endPort: fc.constantFrom(80, 81, 8999) }),
);
const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 2 });
const policy = fc.record({
  name: fc.constantFrom("p", "q", "r"),
  namespace: fc.constantFrom(...NAMESPACES),
  spec: fc.record(
    {
      podSelector: selector,
      policyTypes: fc.subarray(["Ingress", "Egress"] as const, { minLength: 1 }),
      ingress: list(fc.record({ from: list(peer), ports: list(policyPort) }, { requiredKeys: [] })),
      egress: list(fc.record({ to: list(peer), ports: list(policyPort) }, { requiredKeys: [] })),
    },
    { requiredKeys: ["podSelector"] },
  ),
});
const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  labels,
  ports: fc.array(
    fc.record({
      name: fc.constantFrom("http", "dns"),
      protocol,
      port: fc.constantFrom(...PORTS),
    }),
    { maxLength: 2 },
  ),
});

const state: fc.Arbitrary<NetworkState> = fc
  .record({
    pods: fc.array(pod, { minLength: 2, maxLength: 6 }),
    namespaces: fc.tuple(labels, labels, labels),
    policies: fc.uniqueArray(policy, {
      maxLength: 6,
      selector: ({ namespace, name }) => `${namespace}/${name}`,
    }),
  })
  .map(({ pods, namespaces, policies }) => ({
    pods: pods.map((it, index): Pod => ({
      ...it,
      uid: String(index),
      name: `pod-${String(index)}`,
      addresses: [`10.244.0.${String(index + 2)}`],
    })),
    namespaces: namespaces.map((it, index) => ({ name: NAMESPACES[index] ?? "", labels: it })),
    policies: policies.map(({ name, namespace, spec }): NetworkPolicy => ({
      metadata: { name, namespace },
      spec,
    })),
  }));

function packetsOf({ pods }: NetworkState): Packet[] {
  const addresses = [...pods.flatMap((it) => it.addresses), ...OUTSIDE];
  return addresses.flatMap((from) =>
    addresses.flatMap((to) =>
      (["ICMP", ...PROTOCOLS] as const).flatMap((protocol) =>
        (protocol === "ICMP" ? [0] : PORTS).map((port) => ({ from, to, protocol, port })),
      ),
    ),
  );
}

describe("the rules of any policies", () => {
  it("let pass exactly what the documentation's words admit", () => {
    let [admitted, refused] = [0, 0];
    fc.assert(
      fc.property(state, (it) => {
        for (const packet of packetsOf(it)) {
          const expected = isAdmitted(it, packet);
          if (expected) admitted += 1;
          else refused += 1;
          if (passes(it, packet) !== expected) {
            expect({ packet, passes: !expected }).toEqual({ packet, passes: expected });
          }
        }
      }),
      { numRuns: 60 },
    );
    // Neither answer alone proves anything.
    expect(Math.min(admitted, refused)).toBeGreaterThan(1_000);
  });

  it("are the same in whatever order the API server lists the objects", () => {
    fc.assert(
      fc.property(state, (it) => {
        const turned = {
          pods: [...it.pods].reverse(),
          namespaces: [...it.namespaces].reverse(),
          policies: [...it.policies].reverse(),
        };
        expect(rulesOf(turned)).toBe(rulesOf(it));
      }),
    );
  });

  it("are taken by the kernel, each set in the place of the one before", async ({ skip }) => {
    skip(!asRoot, ROOT_REASON);
    const name = `drydock-rules-${String(process.pid)}`;
    await execa("ip", ["netns", "add", name]);
    onTestFinished(async () => {
      await execa("ip", ["netns", "delete", name]);
    });
    const nft = (args: string[], input = "") =>
      execa("nsenter", [`--net=/run/netns/${name}`, "nft", ...args], { input });
    await fc.assert(
      fc.asyncProperty(state, async (it) => {
        await nft(["-f", "-"], rulesOf(it));
        const { stdout } = await nft(["list", "table", "ip", "drydock-network-policy"]);
        for (const { addresses } of it.pods) expect(stdout).toContain(addresses[0]);
      }),
      { numRuns: 25 },
    );
    expect((await nft(["list", "tables"])).stdout).toBe("table ip drydock-network-policy");
  });
});
