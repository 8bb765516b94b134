import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "vitest";
import { stringify } from "yaml";

import { isAlive } from "../../../toolchain/alive";
import { bundle } from "../../support/bundle";
import { startControlPlane, type ControlPlane } from "../../support/control-plane";
import { eventually } from "../../support/eventually";
import { type Finished, processTree, ProjectFolder, type Running } from "./project";

const ROOT = join(__dirname, "..", "..", "..");
const NAMESPACE = "faults";
/** As docs/faults.md says. */
export const PROCESSES_END_MS = 30_000;

export interface Wish {
  page: string;
  password: string;
  apps: Record<string, { gate?: string; generated?: boolean; seconds?: number; image?: string }>;
  extra?: boolean;
}

interface Live {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly managedFields?: readonly { readonly manager: string }[];
  };
}

interface PendingState {
  readonly type: string;
  readonly resource: { readonly urn: string };
}

/**
 * A small project with the real commands, CLI, plugin and language host, on a control plane of its own
 * with a simulated node: what can go wrong between them does not depend on what the program declares.
 */
export class FaultProject extends ProjectFolder {
  readonly wish: Wish = { page: "one", password: "canary-3b9a", apps: { steady: {}, web: {} } };

  private constructor(
    folder: string,
    home: string,
    readonly plane: ControlPlane,
  ) {
    super(folder, home);
  }

  static async create(): Promise<FaultProject> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "drydock-faults-")));
    const project = new FaultProject(
      join(base, "drydock"),
      join(base, "home"),
      await startControlPlane(),
    );
    const path = (...parts: string[]) => join(project.folder, ...parts);
    mkdirSync(project.home);
    cpSync(join(__dirname, "..", "fixtures", "faults"), project.folder, { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), path("node_modules"));
    const scripts = Object.fromEntries(
      ["start", "recover", "drift", "env"].map((name) => [name, `node dist/cli.js ${name}`]),
    );
    writeFileSync(
      path("package.json"),
      JSON.stringify({ name: "drydock", main: "index.js", scripts }),
    );
    const runtime = { name: "nodejs", options: { typescript: false } };
    writeFileSync(path("Pulumi.yaml"), stringify({ name: "drydock", runtime }));
    const cluster = { kind: "existing", name: "faults" };
    writeFileSync(path("Pulumi.dev.yaml"), stringify({ config: { "drydock:cluster": cluster } }));
    writeFileSync(path("kubeconfig"), project.plane.kubeconfig, { mode: 0o600 });
    project.declare();
    await bundle("toolchain/commands/main.ts", path("dist/cli.js"));
    await bundle(
      "toolchain/kubernetes/main.ts",
      path("dist/plugins/kubernetes/pulumi-resource-kubernetes"),
    );
    await bundle(
      "toolchain/language-nodejs/main.ts",
      path("dist/language-nodejs/pulumi-language-nodejs"),
    );
    await project.loadEnvironment();
    return project;
  }

  /** Writes down what the program declares from now on. */
  declare(change: (wish: Wish) => void = () => undefined): void {
    change(this.wish);
    writeFileSync(join(this.folder, "wish.json"), JSON.stringify(this.wish));
  }

  /** A command of package.json, as npm runs it. */
  command(name: "start" | "recover" | "drift", ...args: string[]): Promise<Finished> {
    return this.run("node", ["dist/cli.js", name, ...args]);
  }

  up(...args: string[]): Promise<Finished> {
    return this.pulumi("up", "--yes", "--non-interactive", ...args);
  }

  /** `pulumi up` in the background. */
  startUp(env: Readonly<Record<string, string>> = {}): Running {
    const args = ["up", "--yes", "--non-interactive", "--skip-preview", "--stack", "dev"];
    return this.start("pulumi", args, env);
  }

  /** Lets the Deployments behind a gate become ready. */
  async open(gate: string): Promise<void> {
    const labelled = await this.kubectl("label", "nodes", "--all", `${gate}=open`);
    expect(labelled.code, labelled.all).toBe(0);
  }

  /** How many pods cannot be scheduled, for their gate is closed. */
  async waitingPods(): Promise<number> {
    const selector = "--field-selector=status.phase=Pending";
    const list = await this.kubectl("get", "pods", "-n", NAMESPACE, selector, "-o", "name");
    return list.stdout.split("\n").filter(Boolean).length;
  }

  get stateFile(): string {
    return join(this.folder, ".drydock/state/.pulumi/stacks/drydock/dev.json");
  }

  /** `updating web`, one a pending operation. */
  pending(): string[] {
    try {
      const { checkpoint } = JSON.parse(readFileSync(this.stateFile, "utf8")) as {
        checkpoint: { latest?: { pending_operations?: readonly PendingState[] } };
      };
      const operations = checkpoint.latest?.pending_operations ?? [];
      return operations.map(
        ({ type, resource }) => `${type} ${resource.urn.split("::").at(-1) ?? ""}`,
      );
    } catch {
      // Not there yet, or just being written.
      return [];
    }
  }

  locks(): string[] {
    try {
      return readdirSync(this.lockFolder).filter((name) => name.endsWith(".json"));
    } catch {
      return [];
    }
  }

  /** Removes the locks of runs that the test has killed. */
  unlock(): void {
    rmSync(this.lockFolder, { recursive: true, force: true });
  }

  private get lockFolder(): string {
    return join(this.folder, ".drydock/state/.pulumi/locks/organization/drydock/dev");
  }

  /** Uids by `Kind/name` of everything in the namespace that users would miss, and that does not just end. */
  async identities(): Promise<Record<string, string>> {
    const objects = await this.objects();
    return Object.fromEntries(
      objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid]),
    );
  }

  /**
   * What must hold after every fault: nothing pending, nothing twice, nothing lost, nothing different,
   * and no process left.
   * @param before identities that must be there still
   * @param processes of the run that the fault hit
   */
  async expectOrder(
    before: Record<string, string>,
    processes: readonly number[] = [],
  ): Promise<void> {
    const [objects, exported] = [await this.objects(), await this.pulumi("stack", "export")];
    const live = objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid]);
    expect(Object.fromEntries(live)).toMatchObject(before);
    expect(this.pending()).toEqual([]);
    expect(this.locks()).toEqual([]);
    const { deployment } = JSON.parse(exported.stdout) as {
      deployment: { resources: { id?: string; type: string }[] };
    };
    const known = deployment.resources
      .filter(({ type }) => /:(Deployment|ConfigMap|Secret|PersistentVolumeClaim)$/.test(type))
      .map(({ id = "", type }) => `${type.split(":").at(-1) ?? ""} ${id}`)
      .filter((text) => text.includes(` ${NAMESPACE}/`));
    const ours = objects
      .filter(({ metadata }) => madeByPulumi(metadata))
      .map(({ kind, metadata }) => `${kind} ${NAMESPACE}/${metadata.name}`);
    expect(ours.sort()).toEqual(known.sort());
    const preview = await this.pulumi("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.all).toBe(0);
    await eventually(() => processes.every((pid) => !isAlive(pid)), PROCESSES_END_MS);
  }

  async remove(): Promise<void> {
    await this.plane.stop();
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  private async objects(): Promise<readonly Live[]> {
    const kinds = "deployments,pods,configmaps,secrets,persistentvolumeclaims";
    const list = await this.kubectl(
      "get",
      kinds,
      "-n",
      NAMESPACE,
      "-o",
      "json",
      "--show-managed-fields",
    );
    const { items } = JSON.parse(list.stdout) as { items: readonly Live[] };
    return items.filter(
      ({ metadata }) =>
        metadata.name !== "kube-root-ca.crt" && metadata.deletionTimestamp === undefined,
    );
  }

  protected override environment(): Record<string, string> {
    return {
      ...super.environment(),
      KUBECONFIG: join(this.folder, "kubeconfig"),
      // The stand-in is what is tested here, wherever the tests run.
      DRYDOCK_DOWNLOADS: "off",
      // Its program is no subject of the project's policies.
      DRYDOCK_POLICY: "off",
    };
  }
}

const madeByPulumi = ({ managedFields = [] }: Live["metadata"]): boolean =>
  managedFields.some(({ manager }) => manager.startsWith("pulumi-kubernetes"));

/** Kills one process at once. @returns it and all that it had started */
export function kill9(pid: number): number[] {
  const tree = processTree(pid);
  process.kill(pid, "SIGKILL");
  return tree;
}
