import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Patience } from "../client";
import { Deadline } from "../deadline";
import { collectionPath, UnknownKindError, type Discovery } from "../discovery";
import { ApiError, isNotFound } from "../errors";
import { getPath, isJsonMap, listAt, textAt, type Json, type JsonMap } from "../objects";
import type { Query } from "./rule";

const RECONNECT_PAUSE_MS = 500;
/** Where watching is not permitted, or reading no longer is. */
const REFUSED_PAUSE_MS = 3_000;
const WATCH_SECONDS = 290;
/** A server that is gone without a word does not end its watch: then we do. */
const WATCH_MARGIN_SECONDS = 10;

/** Why a copy cannot be kept up to date at the moment. */
export interface Trouble {
  /** A line of progress. */
  readonly line: string;
  /** What the server, or the connection to it, says. */
  readonly reason: string;
}

/** Trouble with a server that is away, starting or overloaded. */
export function outage(reason: string): Trouble {
  return { line: "API server does not answer, trying again", reason };
}

/** A live copy of what a query finds: one list, then a watch from there on. */
export class Collection {
  private readonly items = new Map<string, JsonMap>();
  private path = "";
  private resourceVersion = "";
  private newest: JsonMap | undefined;
  private fault: Trouble | undefined;
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

  /** Undefined as long as the copy is kept up to date. */
  get trouble(): Trouble | undefined {
    return this.fault;
  }

  /** Reads the present state. A refusal counts only where the collection is required. */
  async load(patience: Patience): Promise<void> {
    try {
      await this.read(patience);
    } catch (error) {
      if (this.required || !(isRefusal(error) || error instanceof UnknownKindError)) {
        throw error;
      }
      this.denied = true;
    }
  }

  /** Follows the changes until the signal ends it; after an interruption it reads afresh. */
  async follow(patience: Patience, changed: () => void): Promise<void> {
    const { signal } = patience;
    while (!this.denied && !signal.aborted) {
      // However a watch ends (its time, a restart, a version too old), what follows is the same.
      const pause = await this.watchOnce(signal, changed).then(
        () => RECONNECT_PAUSE_MS,
        pauseAfter,
      );
      await this.reload(patience, changed, pause);
    }
  }

  private async read(patience: Patience): Promise<void> {
    const list = await this.list(patience);
    if (this.query.keepDeleted !== true) {
      this.items.clear();
    }
    for (const item of listAt(list, "items")) {
      this.put(item);
    }
    this.resourceVersion = textAt(list, "metadata", "resourceVersion");
    this.fault = undefined;
  }

  private async reload(patience: Patience, changed: () => void, first: number): Promise<void> {
    const { signal } = patience;
    const onRetry = (reason: string): void => this.report(outage(reason), changed);
    for (let pause = first; !isAborted(signal);) {
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      try {
        await this.read({ ...patience, onRetry });
        changed();
        return;
      } catch (error) {
        if (isAborted(signal)) {
          return;
        }
        pause = pauseAfter(error);
        this.missed(error as Error, changed);
      }
    }
  }

  private missed(error: Error, changed: () => void): void {
    if (isNotFound(error)) {
      // The kind is gone, and every object of it.
      this.items.clear();
      this.fault = undefined;
      changed();
    } else if (this.required) {
      // Permissions may come back, as those of a server that starts do.
      const line = `API server refuses to be read, trying again: ${error.message}`;
      this.report({ line, reason: error.message }, changed);
    }
  }

  private report(trouble: Trouble, changed: () => void): void {
    this.fault = trouble;
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

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 404, 405].includes(error.status);
}

function pauseAfter(error: unknown): number {
  return isRefusal(error) ? REFUSED_PAUSE_MS : RECONNECT_PAUSE_MS;
}

/** Read anew after each await: the signal may have changed meanwhile. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
