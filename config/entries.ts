import type { Problem } from "./errors";
import { problem } from "./explain";
import type { Config } from "./schema";

/** Of the ingress controller of a local cluster. */
export const INGRESS_NAMESPACE = "ingress";

/** Names below it lead to this address, whatever is configured (RFC 6761, 6.3). */
const LOCALHOST = "127.0.0.1";

type Entry = NonNullable<Config["apps"]["nginx"]["ingress"]>;
type Rule = (cluster: Config["cluster"], entry: Entry) => Complaint | undefined;

/** What is wrong with an entry, or with one of its keys. */
interface Complaint {
  readonly at?: keyof Entry;
  readonly rule: string;
  readonly fix: string;
}

/** Entries of apps at an ingress controller that no request would come in by, or by the wrong one. */
export function entryProblems(cluster: Config["cluster"], apps: Config["apps"]): Problem[] {
  const rules = [noController, certificateName, certificateSecret, otherLocalhost];
  const alone = entriesOf(apps).flatMap(({ app, entry }) =>
    rules.flatMap((rule) => {
      const complaint = rule(cluster, entry);
      return complaint === undefined ? [] : [about(app, entry, complaint)];
    }),
  );
  return [...alone, ...sameEntry(apps)];
}

function about(app: string, entry: Entry, { at, rule, fix }: Complaint): Problem {
  const key = `drydock:apps.${app}.ingress`;
  if (at === undefined) return problem(key, entry, rule, fix);
  const value = entry[at];
  return value === undefined
    ? { key: `${key}.${at}`, rule, fix }
    : problem(`${key}.${at}`, value, rule, fix);
}

/** A controller that is known not to be there; whether another's cluster has one is seen in the preview. */
const noController: Rule = (cluster) => {
  if (cluster.kind === "local" && cluster.ingress === undefined) {
    return {
      rule: "needs drydock:cluster.ingress, the controller that would serve it",
      fix: "add ingress: {} to drydock:cluster, or remove it",
    };
  }
  if (cluster.kind === "eks" && cluster.autoscaling.kind === "autoMode") {
    return {
      rule: 'must not be set where autoscaling.kind is "autoMode": there is no ingress controller for it',
      fix: 'remove it, or set drydock:cluster.autoscaling.kind to "karpenter" or "none"',
    };
  }
  return undefined;
};

/** AWS's load balancer speaks HTTPS only, and looks in ACM for the certificate of the host. */
const certificateName: Rule = ({ kind }, { host }) =>
  kind === "eks" && host === undefined
    ? {
        at: "host",
        rule: 'is missing; where cluster.kind is "eks" the certificate is looked for by it',
        fix: "add the name by which clients ask",
      }
    : undefined;

const certificateSecret: Rule = ({ kind }, { tlsSecret }) => {
  if (tlsSecret === undefined || kind === "existing") return undefined;
  const instead =
    kind === "eks" ? "the certificate is the one in ACM" : "its controller speaks HTTP only";
  return {
    at: "tlsSecret",
    rule: `must not be set where cluster.kind is "${kind}": ${instead}`,
    fix: "remove it",
  };
};

/** At another address of the loopback network nobody would look for it. */
const otherLocalhost: Rule = (cluster, { host }) => {
  if (cluster.kind !== "local" || !host?.endsWith(".localhost")) return undefined;
  const { loadBalancerAddress } = cluster;
  if (loadBalancerAddress === LOCALHOST) return undefined;
  return {
    at: "host",
    rule: `must not end in .localhost, which leads to ${LOCALHOST}, where loadBalancerAddress is ${loadBalancerAddress}`,
    fix: "give it another name, and let that lead to the address in /etc/hosts",
  };
};

/** Of two apps with the same host and path one would get all requests, and nothing says which. */
function sameEntry(apps: Config["apps"]): Problem[] {
  const owners = new Map<string, string>();
  return entriesOf(apps).flatMap(({ app, entry: { host, paths } }) =>
    paths.flatMap((path) => {
      const entry = `${host ?? "*"}${path}`;
      const owner = owners.get(entry);
      owners.set(entry, owner ?? app);
      if (owner === undefined) return [];
      const rule = `must not be an entry twice: ${entry} leads to ${owner}`;
      const fix = "give it another host or path";
      return [problem(`drydock:apps.${app}.ingress.paths`, path, rule, fix)];
    }),
  );
}

function entriesOf({ nginx, uploader }: Config["apps"]) {
  return Object.entries({ nginx, uploader }).flatMap(([app, { ingress }]) =>
    ingress === undefined ? [] : [{ app, entry: ingress }],
  );
}

/** The controller's namespace is the cluster's own. */
export function takenNamespace(
  cluster: Config["cluster"],
  { namespaces }: Config["platform"],
): Problem[] {
  const taken = cluster.kind === "local" && cluster.ingress !== undefined;
  const namespace = namespaces[INGRESS_NAMESPACE];
  if (!taken || namespace === undefined) return [];
  const rule = "must not be made twice: the ingress controller has it (drydock:cluster.ingress)";
  const key = `drydock:platform.namespaces.${INGRESS_NAMESPACE}`;
  return [problem(key, namespace, rule, "give it another name")];
}
