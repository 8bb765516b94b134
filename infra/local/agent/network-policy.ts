import { existsSync, type FSWatcher, mkdirSync, watch } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { applyRules, hasRules, namespaceId, rulesOf } from "../network-policy/apply";
import type { Namespace, NetworkPolicy, NetworkState } from "../network-policy/model";
import {
  type ListedPod,
  namespaceOf,
  type NamespaceObject,
  podOf,
  type PodObject,
  policyOf,
  withAddresses,
} from "../network-policy/objects";
import { cniResults, Sandboxes } from "../network-policy/sandboxes";
import { writePolicyStatus } from "../network-policy/status";
import type { Api } from "../runtime/api";
import type { ClusterPaths } from "../runtime/paths";
import type { NetworkRecord } from "../runtime/spec";
import { Collection } from "./collection";

/** What no event tells is found so soon: a note of the CNI library that was read half written. */
const LOOK_MS = 1_000;
/** Whether somebody removed the rules is asked so often. */
const CHECK_MS = 5_000;

export interface PolicyEnforcerSettings {
  readonly paths: Pick<ClusterPaths, "root" | "record" | "node">;
  readonly network: NetworkRecord;
  /** The node whose pods these are: simulated ones have no traffic. */
  readonly node: string;
  /** Takes one line an event, for people. */
  readonly log: (line: string) => void;
}

/**
 * Keeps the rules of the node's packet filter at what the NetworkPolicies say. The rules are the
 * kernel's: they hold while nobody is here to change them, and a pod that starts then has no traffic.
 */
export class PolicyEnforcer {
  private readonly pods: Collection<PodObject, ListedPod>;
  private readonly namespaces: Collection<NamespaceObject, Namespace>;
  private readonly policies: Collection<NetworkPolicy, NetworkPolicy>;
  private readonly sandboxes: Sandboxes;
  /** The namespace and the rules that it has. */
  private applied: string | undefined;
  private problem: string | undefined;
  private checked = 0;
  private wake: () => void = () => undefined;

  constructor(
    api: Api,
    private readonly settings: PolicyEnforcerSettings,
  ) {
    const changed = (): void => this.wake();
    const mine = `fieldSelector=${encodeURIComponent(`spec.nodeName=${settings.node}`)}`;
    const policies = "/apis/networking.k8s.io/v1/networkpolicies";
    this.pods = new Collection(api, { path: `/api/v1/pods?${mine}`, keep: podOf, changed });
    this.namespaces = new Collection(api, {
      path: "/api/v1/namespaces",
      keep: namespaceOf,
      changed,
    });
    this.policies = new Collection(api, { path: policies, keep: policyOf, changed });
    this.sandboxes = new Sandboxes(cniResults(settings.paths));
  }

  /** Until `signal` aborts. The rules stay as they are then. */
  async run(signal: AbortSignal): Promise<void> {
    const collections = [this.pods, this.namespaces, this.policies];
    await Promise.all([this.enforce(signal), ...collections.map((it) => it.run(signal))]);
  }

  private async enforce(signal: AbortSignal): Promise<void> {
    let watcher: FSWatcher | undefined;
    while (!signal.aborted) {
      // Armed before the look, so that what changes meanwhile is looked at next.
      const woken = new Promise<void>((resolve) => (this.wake = resolve));
      watcher ??= this.watchSandboxes(() => (watcher = undefined));
      await this.look();
      const pause = new AbortController();
      const timer = sleep(LOOK_MS, undefined, { signal: AbortSignal.any([signal, pause.signal]) });
      await Promise.race([woken, timer.catch(() => undefined)]);
      pause.abort();
    }
    watcher?.close();
  }

  /** A new pod's address is known with it before the pod's processes start. */
  private watchSandboxes(gone: () => void): FSWatcher | undefined {
    const folder = cniResults(this.settings.paths);
    if (!existsSync(dirname(folder))) {
      return undefined;
    }
    try {
      mkdirSync(folder, { recursive: true });
      return this.watchFolder(folder, gone);
    } catch {
      // The machine has no watches left: the next looks find the notes too.
      return undefined;
    }
  }

  private watchFolder(folder: string, gone: () => void): FSWatcher {
    const watcher = watch(folder, (_, file) => {
      // The folder itself was removed, or only what is in it changed.
      if (file === null || !existsSync(folder)) {
        watcher.close();
        gone();
      }
      this.wake();
    });
    watcher.on("error", gone);
    return watcher;
  }

  private async look(): Promise<void> {
    const { network, paths } = this.settings;
    const namespace = namespaceId(network);
    const known = [this.pods, this.namespaces, this.policies].every(({ isListed }) => isListed);
    if (!known || namespace === undefined || !existsSync(paths.record)) {
      return;
    }
    try {
      await this.check();
      const state = this.state();
      const rules = rulesOf(state);
      const wanted = `${String(namespace)} ${rules}`;
      if (wanted !== this.applied) {
        await applyRules(network, rules);
        this.applied = wanted;
        this.tell(state, undefined);
      }
    } catch (error) {
      this.tell(this.state(), error instanceof Error ? error.message : String(error));
    }
  }

  /** Somebody may have flushed the packet filter. */
  private async check(): Promise<void> {
    if (this.applied === undefined || Date.now() - this.checked < CHECK_MS) {
      return;
    }
    this.checked = Date.now();
    if (!(await hasRules(this.settings.network))) {
      this.settings.log("the rules of network policies were removed: they are set again");
      this.applied = undefined;
    }
  }

  private state(): NetworkState {
    return {
      pods: withAddresses(this.pods.values(), this.sandboxes.read()),
      namespaces: this.namespaces.values(),
      policies: this.policies.values(),
    };
  }

  private tell(state: NetworkState, problem: string | undefined): void {
    const { log, paths } = this.settings;
    if (problem !== undefined && problem !== this.problem) {
      log(`network policies: ${problem}; the former rules stay`);
    }
    this.problem = problem;
    try {
      writePolicyStatus(paths, {
        at: new Date().toISOString(),
        policies: state.policies.length,
        pods: state.pods.filter(({ addresses }) => addresses.length > 0).length,
        ...(problem === undefined ? {} : { problem }),
      });
    } catch {
      // On a full disk there is no status; the rules are what matters.
    }
  }
}
