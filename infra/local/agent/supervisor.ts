import { existsSync, utimesSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import {
  type Component,
  componentPid,
  recordedComponents,
  startComponent,
  waitForExecutable,
} from "../runtime/daemon";
import { tryHold } from "../runtime/hold";
import { isMountPoint } from "../runtime/mounts";
import type { ClusterPaths } from "../runtime/paths";
import { HEARTBEAT_MS, readSupervision, writeSupervision } from "../runtime/supervision";
import { type End, Track } from "./track";

type SupervisedPaths = Pick<
  ClusterPaths,
  "root" | "record" | "pids" | "components" | "supervision"
>;

/** A look costs two small reads a component. */
const LOOK_MS = 300;
/** While another command holds the cluster. */
const HELD_MS = 1_000;

/**
 * Starts the recorded components of a cluster again when they end. It takes them over by their pid
 * files, whoever started them, so that its own end and return go unnoticed by all of them.
 */
export class Supervisor {
  private tracks = new Map<string, Track>();
  /** Processes that this one started and that have not been reported as ended. */
  private readonly children = new Set<number>();
  /** How such processes ended, by pid. */
  private readonly ends = new Map<number, End>();
  private readonly since = new Date().toISOString();
  private heldUntil = 0;
  private published = "";
  private touched = 0;

  /** @param log takes one line an event, for people */
  constructor(
    private readonly paths: SupervisedPaths,
    private readonly log: (line: string) => void,
  ) {
    const now = Date.now();
    for (const known of readSupervision(paths)?.components ?? []) {
      this.tracks.set(known.name, new Track(known.name, now, known));
    }
  }

  /** Until `signal` aborts. The components stay as they are then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        // A full disk, or a folder that somebody deleted: the next look may find it mended.
        this.log(`the supervisor could not look: ${String(error)}`);
        await sleep(HELD_MS, undefined, { signal }).catch(() => undefined);
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const now = Date.now();
    if (!existsSync(this.paths.record)) {
      // Somebody deletes the cluster's folder: it must not be filled again meanwhile.
      return;
    }
    const components = recordedComponents(this.paths);
    const tracks = components.map(({ name }) => this.tracks.get(name) ?? new Track(name, now));
    // What is not recorded any more has been stopped on purpose.
    this.tracks = new Map(tracks.map((track) => [track.name, track]));
    const due = components.filter((component) => this.isDue(component, now));
    if (due.length > 0) {
      await this.restart(due);
    }
    this.publish(now);
  }

  /** Notes how the component is. @returns whether it is to be started now */
  private isDue(component: Component, now: number): boolean {
    const track = this.trackOf(component);
    const pid = componentPid(component) ?? track.livePid;
    if (pid !== undefined) {
      track.runs(pid, now);
      return false;
    }
    const last = track.lastPid ?? 0;
    if (this.children.has(last)) {
      // It is about to be reported, with how it ended.
      return false;
    }
    const end = this.ends.get(last);
    this.ends.delete(last);
    if (track.ended(now, end)) {
      this.log(`${component.name} ended${end === undefined ? "" : ` (${describeEnd(end)})`}`);
    }
    const missing = (component.command.namespaces ?? []).filter((file) => !isMountPoint(file));
    if (missing.length > 0) {
      track.rest("waiting", `${missing.join(" and ")} is missing`);
      return false;
    }
    const due = track.isDue(now);
    track.rest(due && now < this.heldUntil ? "held" : "backing off");
    return due && now >= this.heldUntil;
  }

  private async restart(due: readonly Component[]): Promise<void> {
    const hold = await tryHold(this.paths);
    if (hold === undefined) {
      this.heldUntil = Date.now() + HELD_MS;
      due.forEach((component) => this.trackOf(component).rest("held"));
      return;
    }
    try {
      // Who had the hold before may have stopped or changed one of them meanwhile.
      const names = due.map(({ name }) => name);
      const current = recordedComponents(this.paths).filter(({ name }) => names.includes(name));
      await Promise.all(current.map((component) => this.restartOne(component)));
    } finally {
      await hold.release();
    }
  }

  private async restartOne(component: Component): Promise<void> {
    if (componentPid(component) !== undefined) {
      return;
    }
    const child = startComponent(component);
    const { name } = component;
    if (child === undefined && componentPid(component) !== undefined) {
      this.log(`${name} runs already: it is taken over`);
      return;
    }
    this.trackOf(component).restarted(child?.pid, Date.now());
    if (child?.pid === undefined) {
      this.log(`${name} cannot be started: there is no ${component.command.file}`);
      return;
    }
    const { pid } = child;
    child.stdin?.on("error", () => undefined);
    this.log(`${name} started again (pid ${String(pid)})`);
    this.children.add(pid);
    child.once("exit", (code, signal) => {
      this.children.delete(pid);
      this.ends.set(pid, {
        ...(code === null ? {} : { code }),
        ...(signal === null ? {} : { signal }),
      });
    });
    await waitForExecutable(component, child);
  }

  private trackOf({ name }: Component): Track {
    const track = this.tracks.get(name) ?? new Track(name, Date.now());
    this.tracks.set(name, track);
    return track;
  }

  /** Writes the state where it changed, and touches it where it did not. */
  private publish(now: number): void {
    const components = [...this.tracks.values()].map((track) => track.state());
    const state = { pid: process.pid, since: this.since, components };
    const text = JSON.stringify(state);
    if (text !== this.published) {
      writeSupervision(this.paths, state);
      this.published = text;
      this.touched = now;
    } else if (now - this.touched >= HEARTBEAT_MS) {
      utimesSync(this.paths.supervision, now / 1000, now / 1000);
      this.touched = now;
    }
  }
}

function describeEnd({ code, signal }: End): string {
  return signal ?? `exit code ${String(code)}`;
}
