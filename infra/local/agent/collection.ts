import { setTimeout as sleep } from "node:timers/promises";

import type { Api, KubernetesObject } from "../runtime/api";

const RETRY_MS = 250;

export interface CollectionOptions<T extends KubernetesObject, Kept> {
  /** Path of the list, such as `/api/v1/services`; it may have a query. */
  readonly path: string;
  /** What is kept of an object; undefined: nothing. */
  readonly keep: (object: T) => Kept | undefined;
  /** After every change, and after each new list: that of a watch that had ended. */
  readonly changed: () => Promise<void> | void;
}

/** The objects of one kind, followed by list and watch. An API server that is away is waited for. */
export class Collection<T extends KubernetesObject, Kept = T> {
  private objects = new Map<string, Kept>();
  private listed = false;

  constructor(
    private readonly api: Api,
    private readonly options: CollectionOptions<T, Kept>,
  ) {}

  /** Whether the objects were seen once: before, there may be any. */
  get isListed(): boolean {
    return this.listed;
  }

  values(): Kept[] {
    return [...this.objects.values()];
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.follow(signal);
      } catch {
        // The API server is away or ended the watch; what is known stays.
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { path, changed } = this.options;
    const list = await this.api.call<{
      metadata: { resourceVersion: string };
      items: T[];
    }>("GET", path);
    this.objects = new Map();
    list.items.forEach((object) => this.set(object));
    this.listed = true;
    await changed();
    const watch = `${path}${path.includes("?") ? "&" : "?"}watch=true&resourceVersion=${list.metadata.resourceVersion}`;
    for await (const { type, object } of this.api.watch<T>(watch, signal)) {
      if (type === "ERROR") {
        return;
      }
      if (type === "DELETED") {
        this.objects.delete(keyOf(object));
      } else if (type !== "BOOKMARK") {
        this.set(object);
      }
      await changed();
    }
  }

  private set(object: T): void {
    const kept = this.options.keep(object);
    if (kept === undefined) {
      this.objects.delete(keyOf(object));
    } else {
      this.objects.set(keyOf(object), kept);
    }
  }
}

/** Namespace and name. */
export function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}
