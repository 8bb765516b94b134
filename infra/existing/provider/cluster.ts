import {
  type CheckRequest,
  type CheckResult,
  type CreateRequest,
  type CreateResult,
  type DiffRequest,
  type DiffResult,
  type PropertyDiff,
  type PropertyMap,
  type ReadRequest,
  type ReadResult,
  type UpdateRequest,
  type UpdateResult,
  text,
} from "../../../toolchain/plugin/serve";

const UPDATING = ["context", "server", "version", "identity"];

/**
 * The resource `drydock:existing:Cluster`: the memory of which cluster a stack was deployed to. It
 * makes nothing and removes nothing. Its id is the UID of the cluster.
 */
export const clusterResource = {
  /** Another cluster would replace every object of the stack: that takes the user's word. */
  check({ news, olds }: CheckRequest): Promise<CheckResult> {
    const moved = typeof olds.uid === "string" && olds.uid !== news.uid;
    const confirmed = news.identity === news.uid;
    const failures = moved && !confirmed ? [{ property: "uid", reason: refusal(olds, news) }] : [];
    return Promise.resolve({ inputs: news, failures });
  },

  diff({ oldInputs, news }: DiffRequest): Promise<DiffResult> {
    const detailedDiff: Record<string, PropertyDiff> = {};
    if (oldInputs.uid !== news.uid) detailedDiff.uid = { kind: "update-replace", inputDiff: true };
    for (const key of UPDATING.filter((name) => oldInputs[name] !== news[name])) {
      detailedDiff[key] = { kind: "update", inputDiff: true };
    }
    const changes = Object.keys(detailedDiff).length > 0 ? "some" : "none";
    return Promise.resolve({ changes, detailedDiff });
  },

  create({ inputs, preview }: CreateRequest): Promise<CreateResult> {
    return Promise.resolve({ id: preview ? "" : text(inputs.uid), outputs: inputs });
  },

  update({ news }: UpdateRequest): Promise<UpdateResult> {
    return Promise.resolve({ outputs: news });
  },

  /** Whether it can be reached is for its objects to say: the stack stays bound to it. */
  read({ id, inputs, outputs }: ReadRequest): Promise<ReadResult | undefined> {
    return Promise.resolve({ id, inputs, outputs });
  },

  delete(): Promise<void> {
    return Promise.resolve();
  },
};

function refusal(olds: PropertyMap, news: PropertyMap): string {
  const [before, now] = [text(olds.uid), text(news.uid)];
  return [
    "the kubeconfig leads to another cluster than the one this stack is deployed to",
    `  where: context ${text(news.context)}, server ${text(news.server)}`,
    `  why: its namespace kube-system has the UID ${now}; the stack's cluster (context ${text(olds.context)}, server ${text(olds.server)}) has ${before}`,
    `  fix: choose the context of the stack's cluster with drydock:cluster.context; or, to move the stack, set drydock:cluster.identity to ${now}: all is then made on this cluster and deleted on the other (if that one is gone for good, run it with PULUMI_K8S_DELETE_UNREACHABLE=true)`,
  ].join("\n");
}
