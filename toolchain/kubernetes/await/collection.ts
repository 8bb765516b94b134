import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Patience } from "../client";
import { collectionPath, type Discovery } from "../discovery";
import { ApiError } from "../errors";
import { getPath, isJsonMap, listAt, textAt, type JsonMap } from "../objects";
import type { Query } from "./rule";

const RECONNECT_PAUSE_MS = 500;
const WATCH_SECONDS = "290";

/** A live copy of what a query finds: one list, then a watch from there on. */
export class Collection {
  private readonly items = new Map<string, JsonMap>();
  private path = "";
  private resourceVersion = "";
  /** Not permitted to read: stays empty, and the verdict has to do without. */
  private denied = false;

  constructor(
    private readonly client: Client,
    private readonly discovery: Discovery,
    private readonly query: Query,
    private readonly required: boolean,
  ) {}

  values(): JsonMap[] {
    return [...this.items.values()];
  }

  /** Reads the present state. A refusal counts only where the collection is required. */
  async load(patience: Patience): Promise<void> {
    try {
      if (this.path === "") {
        const { apiVersion, kind, namespace } = this.query;
        const found = await this.discovery.find(apiVersion, kind, patience);
        this.path = collectionPath(apiVersion, found, namespace);
      }
      const list = await this.client.request(
        { method: "GET", path: this.path, query: this.selectors() },
        patience,
      );
      this.items.clear();
      for (const item of listAt(list, "items")) {
        this.put(item);
      }
      this.resourceVersion = textAt(list, "metadata", "resourceVersion");
    } catch (error) {
      if (this.required || !(error instanceof ApiError)) {
        throw error;
      }
      this.denied = true;
    }
  }

  /** Follows the changes until the signal ends it; after an interruption it reads afresh. */
  async follow(patience: Patience, changed: () => void): Promise<void> {
    const { signal } = patience;
    while (!this.denied && !signal.aborted) {
      try {
        await this.watchOnce(signal, changed);
      } catch (error) {
        if (isAborted(signal)) {
          return;
        }
        if (error instanceof ApiError && error.status === 403 && !this.required) {
          return;
        }
        // Watching may be forbidden, the server restarting, or the version too old: list again.
        await sleep(RECONNECT_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
      if (!isAborted(signal)) {
        await this.load(patience).catch(() => undefined);
        changed();
      }
    }
  }

  private async watchOnce(signal: AbortSignal, changed: () => void): Promise<void> {
    const query = {
      ...this.selectors(),
      resourceVersion: this.resourceVersion,
      timeoutSeconds: WATCH_SECONDS,
    };
    for await (const event of this.client.watch(this.path, query, signal)) {
      if (event.type === "ERROR") {
        return;
      }
      this.resourceVersion = textAt(event.object, "metadata", "resourceVersion");
      if (event.type === "BOOKMARK") {
        continue;
      }
      if (event.type === "DELETED") {
        this.items.delete(keyOf(event.object));
      } else {
        this.put(event.object);
      }
      changed();
    }
  }

  private selectors(): Record<string, string | undefined> {
    const { labelSelector, fieldSelector } = this.query;
    return { labelSelector, fieldSelector };
  }

  private put(item: unknown): void {
    // Items of a list come without the kind that single objects have.
    const object = item as JsonMap;
    if (isJsonMap(object)) {
      const { apiVersion, kind } = this.query;
      this.items.set(keyOf(object), { ...object, apiVersion, kind });
    }
  }
}

function keyOf(object: JsonMap): string {
  const uid = getPath(object, "metadata", "uid");
  return typeof uid === "string" ? uid : JSON.stringify(object.metadata);
}

/** Read anew after each await: the signal may have changed meanwhile. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
