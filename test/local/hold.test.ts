import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { tryHold, withHeldSupervision } from "../../infra/local/runtime/hold";
import { bundle } from "../support/bundle";
import { eventuallyHolds } from "../support/eventually";
import { temporaryFolder } from "../toolchain/support";

describe("the hold of a cluster", () => {
  /** Another process that has the hold until it ends. */
  async function holder(root: string): Promise<ChildProcess> {
    const program = join(temporaryFolder(), "holder.js");
    await bundle("test/local/support/holder.ts", program);
    const child = spawn(process.execPath, [program, root], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    return child;
  }

  it("is one process's alone, and free again when the work is done or has failed", async () => {
    const paths = { root: temporaryFolder() };
    const seen = await withHeldSupervision(paths, () => tryHold(paths));
    expect(seen).toBeUndefined();
    const failing = withHeldSupervision(paths, () => Promise.reject(new Error("it broke")));
    await expect(failing).rejects.toThrow("it broke");
    const hold = await tryHold(paths);
    expect(hold).toBeDefined();
    await hold?.release();
  });

  it("lets the next one wait its turn", async () => {
    const paths = { root: temporaryFolder() };
    const order: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await sleep(150);
      order.push(`${name} ends`);
    };
    await Promise.all(["a", "b", "c"].map((it) => withHeldSupervision(paths, work(it))));
    expect(order).toHaveLength(6);
    for (const index of [0, 2, 4]) {
      expect(order[index + 1]).toBe(order[index]?.replace("begins", "ends"));
    }
  });

  it("goes away with a holder that is killed", async () => {
    const paths = { root: temporaryFolder() };
    const child = await holder(paths.root);
    expect(await tryHold(paths)).toBeUndefined();
    child.kill("SIGKILL");
    await eventuallyHolds(async () => {
      const hold = await tryHold(paths);
      expect(hold).toBeDefined();
      await hold?.release();
    });
  });

  it("is waited for until the caller is interrupted", async () => {
    const paths = { root: temporaryFolder() };
    await holder(paths.root);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("interrupted")), 100);
    const work = vi.fn(() => Promise.resolve());
    await expect(withHeldSupervision(paths, work, stop.signal)).rejects.toThrow("interrupted");
    expect(work).not.toHaveBeenCalled();
  });

  it("is none where there is no cluster, and makes no folder for it", async () => {
    const root = join(temporaryFolder(), "none");
    expect(await withHeldSupervision({ root }, () => Promise.resolve("done"))).toBe("done");
    expect(existsSync(root)).toBe(false);
  });
});
