import { describe, expect, it } from "vitest";

import type { NetworkPolicy, NetworkState, Pod } from "../../../infra/local/network-policy/model";
import { type Packet, passes } from "../support/policy-oracle";

const ADDRESSES = {
  web: "10.244.0.2",
  db: "10.244.0.3",
  client: "10.244.0.4",
  other: "10.244.0.5",
  monitor: "10.244.0.6",
  dns: "10.244.0.7",
  outside: "172.17.0.9",
  excepted: "172.17.1.9",
  host: "10.213.0.1",
};
type Who = keyof typeof ADDRESSES;

function pod(name: Who, namespace: string, labels = {}, ports: Pod["ports"] = []): Pod {
  return { uid: name, name, namespace, labels, addresses: [ADDRESSES[name]], ports };
}

const PODS = [
  pod("web", "shop", { app: "web" }, [{ name: "http", protocol: "TCP", port: 8080 }]),
  pod("db", "shop", { app: "db", role: "db" }, [{ name: "http", protocol: "TCP", port: 9090 }]),
  pod("client", "shop", { app: "client" }),
  pod("other", "stage", { app: "client" }),
  pod("monitor", "watch", { app: "monitor" }),
  pod("dns", "kube-system", { "k8s-app": "kube-dns" }, [
    { name: "dns", protocol: "UDP", port: 1053 },
  ]),
];
const NAMESPACES = ["shop", "stage", "watch", "kube-system"].map((name) => ({
  name,
  labels: {
    "kubernetes.io/metadata.name": name,
    ...(name === "watch" ? { purpose: "monitoring" } : {}),
  },
}));

/** Policies of the namespace "shop". */
function shop(...specs: NonNullable<NetworkPolicy["spec"]>[]): NetworkState {
  const policies = specs.map((spec, index) => ({
    metadata: { name: `policy-${String(index)}`, namespace: "shop" },
    spec,
  }));
  return { pods: PODS, namespaces: NAMESPACES, policies };
}

/** "client > web:8080/UDP"; the protocol is TCP unless said. */
function packet(text: string): Packet {
  const [, from, to, port, protocol = "TCP"] = /^(\w+) > (\w+):(\d+)(?:\/(\w+))?$/.exec(text) ?? [];
  return {
    from: ADDRESSES[from as Who],
    to: ADDRESSES[to as Who],
    port: Number(port),
    protocol: protocol as Packet["protocol"],
  };
}

const web = { matchLabels: { app: "web" } };
const ANY = {};

/** The recipes of kubernetes.io/docs/concepts/services-networking/network-policies, and its finer words. */
describe("a network policy", () => {
  it.each<[string, NetworkState, string[], string[]]>([
    [
      "default deny of what comes in",
      shop({ podSelector: ANY, policyTypes: ["Ingress"] }),
      ["web > other:80", "web > outside:443", "other > monitor:80"],
      ["client > web:80", "other > web:80", "host > db:80", "other > client:80/ICMP"],
    ],
    [
      "default deny of what goes out",
      shop({ podSelector: ANY, policyTypes: ["Egress"] }),
      ["other > web:80", "host > web:80"],
      ["client > web:80", "web > dns:1053/UDP", "db > outside:443", "web > other:80/SCTP"],
    ],
    [
      "all of it denied",
      shop({ podSelector: ANY, policyTypes: ["Ingress", "Egress"] }),
      ["other > monitor:80", "web > web:80"],
      ["client > web:80", "web > other:80", "other > web:80"],
    ],
    [
      "everything admitted inwards, beside a deny",
      shop(
        { podSelector: ANY, policyTypes: ["Ingress"] },
        { podSelector: ANY, ingress: [{}], policyTypes: ["Ingress"] },
      ),
      ["other > web:80", "host > db:5432", "client > web:7/UDP", "other > web:0/ICMP"],
      [],
    ],
    [
      "everything admitted outwards",
      shop({ podSelector: ANY, egress: [{}], policyTypes: ["Egress"] }),
      ["web > outside:443", "web > dns:1053/UDP"],
      [],
    ],
    [
      "by the label of a pod, of the same namespace alone",
      shop({
        podSelector: web,
        ingress: [{ from: [{ podSelector: { matchLabels: { app: "client" } } }] }],
      }),
      ["client > web:80", "client > web:80/UDP", "other > db:80"],
      ["other > web:80", "db > web:80", "host > web:80"],
    ],
    [
      "by the label of a namespace",
      shop({
        podSelector: web,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { purpose: "monitoring" } } }] }],
      }),
      ["monitor > web:80"],
      ["other > web:80", "client > web:80"],
    ],
    [
      "by the name of a namespace",
      shop({
        podSelector: web,
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchExpressions: [
                    { key: "kubernetes.io/metadata.name", operator: "In", values: ["stage"] },
                  ],
                },
              },
            ],
          },
        ],
      }),
      ["other > web:80"],
      ["client > web:80", "monitor > web:80"],
    ],
    [
      "a namespace AND a pod in one peer",
      shop({
        podSelector: web,
        ingress: [
          { from: [{ namespaceSelector: ANY, podSelector: { matchLabels: { app: "client" } } }] },
        ],
      }),
      ["client > web:80", "other > web:80"],
      ["monitor > web:80", "db > web:80"],
    ],
    [
      "a namespace OR a pod in two peers",
      shop({
        podSelector: web,
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { purpose: "monitoring" } } },
              { podSelector: { matchLabels: { role: "db" } } },
            ],
          },
        ],
      }),
      ["monitor > web:80", "db > web:80"],
      ["client > web:80", "other > web:80"],
    ],
    [
      "the documentation's example: a block with an exception, a namespace, a pod; one port",
      shop({
        podSelector: { matchLabels: { role: "db" } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            from: [
              { ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } },
              { namespaceSelector: { matchLabels: { purpose: "monitoring" } } },
              { podSelector: { matchLabels: { app: "web" } } },
            ],
            ports: [{ protocol: "TCP", port: 6379 }],
          },
        ],
        egress: [
          { to: [{ ipBlock: { cidr: "10.0.0.0/24" } }], ports: [{ protocol: "TCP", port: 5978 }] },
        ],
      }),
      ["outside > db:6379", "monitor > db:6379", "web > db:6379"],
      ["excepted > db:6379", "outside > db:6380", "client > db:6379", "db > host:5978"],
    ],
    [
      "a block that holds pods, and an exception that another rule admits again",
      shop({
        podSelector: web,
        ingress: [
          { from: [{ ipBlock: { cidr: "10.244.0.0/24", except: ["10.244.0.4/32"] } }] },
          { from: [{ podSelector: { matchLabels: { app: "client" } } }], ports: [{ port: 80 }] },
        ],
      }),
      ["db > web:7", "client > web:80"],
      ["client > web:81", "outside > web:80"],
    ],
    [
      "a range of ports, and every port of a protocol",
      shop({
        podSelector: web,
        ingress: [{ ports: [{ port: 32000, endPort: 32768 }, { protocol: "UDP" }] }],
      }),
      ["client > web:32000", "client > web:32768", "client > web:9/UDP"],
      ["client > web:31999", "client > web:32769", "client > web:9/SCTP", "client > web:0/ICMP"],
    ],
    [
      "SCTP",
      shop({ podSelector: web, ingress: [{ ports: [{ protocol: "SCTP", port: 7777 }] }] }),
      ["client > web:7777/SCTP"],
      ["client > web:7777", "client > web:7777/UDP"],
    ],
    [
      "a port by name, which is another number in each pod",
      shop({ podSelector: ANY, ingress: [{ ports: [{ port: "http" }] }] }),
      ["client > web:8080", "other > db:9090"],
      ["client > web:9090", "client > db:8080", "client > web:8080/UDP", "db > client:8080"],
    ],
    [
      "a port by name outwards: that of the pod at the other end",
      shop({
        podSelector: { matchLabels: { app: "client" } },
        policyTypes: ["Egress"],
        egress: [{ ports: [{ port: "dns", protocol: "UDP" }] }, { ports: [{ port: "http" }] }],
      }),
      ["client > dns:1053/UDP", "client > web:8080", "client > db:9090"],
      ["client > dns:1053", "client > outside:1053/UDP", "client > web:9090"],
    ],
    [
      "DNS and one pod outwards",
      shop({
        podSelector: { matchLabels: { app: "client" } },
        policyTypes: ["Egress"],
        egress: [
          {
            to: [
              {
                namespaceSelector: {
                  matchLabels: { "kubernetes.io/metadata.name": "kube-system" },
                },
                podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
              },
            ],
            ports: [{ protocol: "UDP", port: 1053 }],
          },
          { to: [{ podSelector: web }] },
        ],
      }),
      ["client > dns:1053/UDP", "client > web:80", "web > client:80"],
      ["client > dns:53/UDP", "client > db:80", "client > outside:1053/UDP"],
    ],
    [
      "both ends isolated: both must admit it",
      shop(
        { podSelector: ANY, policyTypes: ["Ingress", "Egress"] },
        { podSelector: web, ingress: [{ from: [{ podSelector: ANY }] }] },
        {
          podSelector: { matchLabels: { app: "client" } },
          policyTypes: ["Egress"],
          egress: [{ to: [{ podSelector: web }] }],
        },
      ),
      ["client > web:80"],
      ["db > web:80", "client > db:80", "web > client:80"],
    ],
    [
      "types that follow from its rules: with a rule outwards it isolates both ways",
      shop({ podSelector: web, egress: [{ to: [{ podSelector: ANY }] }] }),
      ["web > db:80"],
      ["client > web:80", "web > other:80"],
    ],
    [
      "rules outwards that its types leave out: no word about what goes out",
      shop({
        podSelector: web,
        policyTypes: ["Ingress"],
        egress: [{ to: [{ podSelector: ANY }] }],
      }),
      ["web > outside:80"],
      ["client > web:80"],
    ],
    [
      "peers that no pod fits, or whose block is of IPv6 or cannot be read: nobody, not everybody",
      shop({
        podSelector: web,
        ingress: [
          { from: [{ podSelector: { matchLabels: { app: "nobody" } } }] },
          { from: [{ ipBlock: { cidr: "fd00::/8" } }, { ipBlock: { cidr: "10.0.0.0/33" } }] },
          { from: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["not a block"] } }] },
        ],
      }),
      ["client > db:80", "web > web:80"],
      ["client > web:80", "other > web:80", "host > web:80"],
    ],
    [
      "labels by expression",
      shop({
        podSelector: { matchExpressions: [{ key: "role", operator: "DoesNotExist" }] },
        ingress: [
          {
            from: [
              {
                podSelector: {
                  matchExpressions: [
                    { key: "app", operator: "NotIn", values: ["client"] },
                    { key: "role", operator: "Exists" },
                  ],
                },
              },
            ],
          },
        ],
      }),
      ["db > web:80", "db > client:80", "client > db:80"],
      ["client > web:80", "web > client:80"],
    ],
  ])("%s", (_, state, admitted, refused) => {
    const answers = (packets: string[]): string[] =>
      packets.map((text) => `${text} ${passes(state, packet(text)) ? "passes" : "is dropped"}`);
    expect(answers(admitted)).toEqual(admitted.map((text) => `${text} passes`));
    expect(answers(refused)).toEqual(refused.map((text) => `${text} is dropped`));
  });
});
