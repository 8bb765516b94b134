import { Listr, ListrLogger, PRESET_TIMER, ProcessOutput, type ListrTask } from "listr2";

import type { Progress } from "./obtain";

/** How often a terminal is redrawn, and how often a log gets a line. */
const REDRAW_MS = 1_000;
const LOG_EVERY_MS = 30_000;

/** One line of the display: it runs until `end` is called. */
class Line {
  readonly done: Promise<void>;
  #status = "";
  #show = (): void => undefined;
  finish!: () => void;
  fail!: (error: Error) => void;

  constructor(public title: string) {
    this.done = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    // The failure itself is told by whoever ran the work; here it only colours the line.
    this.done.catch(() => undefined);
  }

  update(status: string): void {
    const first = this.#status === "";
    this.#status = status;
    // A log gets its first line at once, so that a run that only waits says so.
    if (first) this.#show();
  }

  toTask(every: number): ListrTask {
    return {
      title: this.title,
      task: async (_context, task) => {
        const started = Date.now();
        this.#show = () => {
          if (this.#status === "") return;
          const seconds = Math.round((Date.now() - started) / 1000);
          task.output = `${this.#status} [${elapsed(seconds)}]`;
        };
        this.#show();
        const timer = setInterval(() => this.#show(), every);
        try {
          await this.done;
        } finally {
          clearInterval(timer);
          task.title = this.title;
        }
      },
    };
  }
}

/** `7 s`, `2 min 05 s`. */
export function elapsed(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return minutes === 0 ? `${rest} s` : `${minutes} min ${String(rest).padStart(2, "0")} s`;
}

/**
 * Shows what `work` reports: one line a group with what is being fetched or built and for how long; on
 * a terminal redrawn in place, elsewhere a line every 30 seconds. All of it goes to standard error, so
 * that standard output stays data.
 */
export async function withProgress<T>(
  work: (report: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const lines = new Map<string, Line>();
  const releases = new Line("official releases");
  let shown: Promise<unknown> = Promise.resolve();
  const report = (progress: Progress) => {
    switch (progress.kind) {
      case "plan":
        for (const { name, title } of progress.groups) lines.set(name, new Line(title));
        shown = display([releases, ...lines.values()]);
        return;
      case "note":
        releases.title = progress.text;
        releases.finish();
        return;
      case "done":
        lines.get(progress.group)?.finish();
        return;
      case "status":
        lines.get(progress.group)?.update(progress.text);
    }
  };
  try {
    return await work(report);
  } catch (error) {
    for (const line of [releases, ...lines.values()]) line.fail(new Error("not finished"));
    throw error;
  } finally {
    for (const line of [releases, ...lines.values()]) line.finish();
    await shown;
  }
}

async function display(lines: readonly Line[]): Promise<void> {
  const terminal = process.stdout.isTTY && process.stderr.isTTY;
  const processOutput = new ProcessOutput(process.stderr, process.stderr);
  const options = {
    timer: PRESET_TIMER,
    logger: new ListrLogger({ useIcons: true, processOutput }),
  };
  const tasks = lines.map((line) => line.toTask(terminal ? REDRAW_MS : LOG_EVERY_MS));
  await new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    // The command decides what a signal does: it must still stop the build.
    registerSignalListeners: false,
    renderer: terminal ? "default" : "simple",
    rendererOptions: options,
    fallbackRendererOptions: options,
  }).run();
}
