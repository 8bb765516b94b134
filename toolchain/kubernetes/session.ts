import type { Context } from "../plugin/provider";
import type { Patience } from "./client";
import { openCluster, type Cluster } from "./cluster";
import { readSettings, type Settings } from "./settings";

/** How long an operation waits for an API server that does not answer: it may be starting. */
const STARTING_SECONDS = 60;

/** How long a preview does. It has other ways, so it need not wait for long. */
const PREVIEW_SECONDS = 2;

/** After one without an answer the following ones of its sort do not wait at all for this long. */
const UNREACHABLE_MEMORY_MS = 15_000;

/** One configuration of the provider: its settings, and the cluster they lead to. */
export class Session {
  private opened: Promise<Cluster> | undefined;
  /** When an operation, and a dry run, last went without an answer. */
  private readonly unanswered = { operation: 0, dryRun: 0 };
  private readonly said = new Set<string>();

  constructor(readonly settings: Settings = readSettings({})) {}

  /** @throws KubeconfigError */
  cluster(): Promise<Cluster> {
    this.opened ??= openCluster(this.settings);
    return this.opened;
  }

  async close(): Promise<void> {
    (await this.opened?.catch(() => undefined))?.close();
  }

  /** For operations that change or read for real. */
  patience(context: Context, urn: string, timeoutSeconds: number): Patience {
    return this.withWarnings(context, urn, {
      ...this.waiting(context, "operation", Math.min(timeoutSeconds, STARTING_SECONDS)),
      onRetry: (reason) => context.log.status(`Trying again: ${reason}`, urn),
    });
  }

  /** For dry runs. */
  previewPatience(context: Context, urn: string): Patience {
    return this.withWarnings(context, urn, this.waiting(context, "dryRun", PREVIEW_SECONDS));
  }

  /** Says once that a refresh leaves the objects of a cluster it cannot reach as they are. */
  reportLeft(context: Context, reason: string): void {
    if (this.isNew(`left: ${reason}`)) {
      context.log.warn(`${reason} Its objects are left in state as they are.`);
    }
  }

  /** Says once that previews do without the cluster. */
  reportUnreachable(context: Context, reason: string): void {
    if (this.isNew(`unreachable: ${reason}`)) {
      context.log.warn(
        `${reason} This preview is made without it: it shows what the program declares, ` +
          "unchecked by the server.",
      );
    }
  }

  private waiting({ signal }: Context, kind: "operation" | "dryRun", seconds: number): Patience {
    const waits = Date.now() - this.unanswered[kind] > UNREACHABLE_MEMORY_MS;
    return {
      signal,
      retryUntil: waits ? Date.now() + seconds * 1_000 : 0,
      onUnreachable: () => {
        this.unanswered[kind] = Date.now();
      },
    };
  }

  private withWarnings(context: Context, urn: string, patience: Patience): Patience {
    return this.settings.suppressDeprecationWarnings
      ? patience
      : {
          ...patience,
          onWarning: (text) => {
            if (this.isNew(`${urn} ${text}`)) {
              context.log.warn(text, urn);
            }
          },
        };
  }

  private isNew(message: string): boolean {
    const fresh = !this.said.has(message);
    this.said.add(message);
    return fresh;
  }
}
