import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Patience } from "../client";
import { Deadline } from "../deadline";
import { collectionPath, type Discovery } from "../discovery";
import { ApiError, isNotFound, UnreachableError } from "../errors";
import { getPath, isJsonMap, listAt, textAt, type Json, type JsonMap } from "../objects";
import type { Query } from "./rule";

const RECONNECT_PAUSE_MS = 500;
const WATCH_SECONDS = 290;
/** A server that is gone without a word does not end its watch: then we do. */
const WATCH_MARGIN_SECONDS = 10;

/** A live copy of what a query finds: one list, then a watch from there on. */
export class Collection {
  private readonly items = new Map<string, JsonMap>();
  private path = "";
  private resourceVersion = "";
  private newest: JsonMap | undefined;
  private fault: string | undefined;
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

  /** The object seen last, also when it is gone. */
  get last(): JsonMap | undefined {
    return this.newest;
  }

  /** Why the copy cannot be kept up to date at the moment. */
  get trouble(): string | undefined {
    return this.fault;
  }

  /** Reads the present state. A refusal counts only where the collection is required. */
  async load(patience: Patience): Promise<void> {
    try {
      const list = await this.list(patience);
      if (this.query.keepDeleted !== true) {
        this.items.clear();
      }
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
    this.fault = undefined;
  }

  /** Follows the changes until the signal ends it; after an interruption it reads afresh. */
  async follow(patience: Patience, changed: () => void): Promise<void> {
    const { signal } = patience;
    while (!this.denied && !signal.aborted) {
      try {
        await this.watchOnce(signal, changed);
      } catch (error) {
        if (!isAborted(signal) && error instanceof UnreachableError) {
          this.report(error, changed);
        }
      }
      // However the watch ended (its time, a restart, a version too old): list again.
      await this.reload(patience, changed);
    }
  }

  private async reload(patience: Patience, changed: () => void): Promise<void> {
    const { signal } = patience;
    const onRetry = (reason: string): void => this.report(new Error(reason), changed);
    while (!isAborted(signal)) {
      await sleep(RECONNECT_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      try {
        await this.load({ ...patience, onRetry });
        changed();
        return;
      } catch (error) {
        if (isAborted(signal)) {
          return;
        }
        if (isNotFound(error)) {
          // The kind is gone, and every object of it.
          this.items.clear();
          this.denied = true;
          changed();
          return;
        }
        // Credentials and permissions may come back too, as those of a server that starts do.
        this.report(error as Error, changed);
      }
    }
  }

  private report({ message }: Error, changed: () => void): void {
    this.fault = message;
    changed();
  }

  private async list(patience: Patience): Promise<Json> {
    if (this.path === "") {
      const { apiVersion, kind, namespace } = this.query;
      const found = await this.discovery.find(apiVersion, kind, patience);
      this.path = collectionPath(apiVersion, found, namespace);
    }
    return this.client.request(
      { method: "GET", path: this.path, query: this.selectors() },
      patience,
    );
  }

  private async watchOnce(signal: AbortSignal, changed: () => void): Promise<void> {
    const query = {
      ...this.selectors(),
      resourceVersion: this.resourceVersion,
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const limit = new Deadline(signal, (WATCH_SECONDS + WATCH_MARGIN_SECONDS) * 1_000);
    try {
      for await (const event of this.client.watch(this.path, query, limit.signal)) {
        if (event.type === "ERROR") {
          return;
        }
        this.resourceVersion = textAt(event.object, "metadata", "resourceVersion");
        if (event.type !== "BOOKMARK") {
          this.take(event.object, event.type === "DELETED");
          changed();
        }
      }
    } finally {
      limit.dispose();
    }
  }

  private take(object: JsonMap, deleted: boolean): void {
    this.put(object);
    if (deleted && this.query.keepDeleted !== true) {
      this.items.delete(keyOf(object));
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
      this.newest = { ...object, apiVersion, kind };
      this.items.set(keyOf(object), this.newest);
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
