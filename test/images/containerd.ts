import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { credentials, Client } from "@grpc/grpc-js";
import { execa } from "execa";

import { locateTools } from "../../toolchain/resolve";
import { eventually } from "../support/eventually";

const TOOLS = ["containerd", "containerd-shim-runc-v2", "ctr", "runc"] as const;

const WRITABLE_TMP = "type=tmpfs,src=tmpfs,dst=/tmp,options=rw:mode=1777:nosuid:nodev";

/** Why no container can be run here, or undefined if it can. */
export async function cannotRun(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const found = await locateTools(TOOLS);
  const missing = TOOLS.filter((name) => !found.has(name));
  return missing.length > 0 ? `not on PATH or in the tool cache: ${missing.join(", ")}` : undefined;
}

/**
 * A containerd of the test's own: its root, state and sockets lie in a temporary directory, and its
 * containers in a network namespace that only this host reaches.
 */
export class Containerd {
  /** Address of what a container listens on. */
  readonly host: string;
  private readonly directory = mkdtempSync(path.join(tmpdir(), "drydock-containerd-"));
  private readonly socket = path.join(this.directory, "containerd.sock");
  private readonly id = process.pid % 16_384;
  private readonly netns = `drydock-test-${this.id}`;
  private readonly link = `ddtest${this.id}`;
  private readonly searchPath: string;
  private daemon: ChildProcess | undefined;
  private execs = 0;

  private constructor(toolDirectories: readonly string[]) {
    this.searchPath = [...toolDirectories, process.env.PATH ?? ""].join(":");
    const subnet = this.id * 4;
    this.host = `10.213.${subnet >> 8}.${(subnet & 255) + 2}`;
  }

  /** @param sandbox reference of the image that holds a pod's namespaces */
  static async start(sandbox: string): Promise<Containerd> {
    const tools = await locateTools(TOOLS);
    const directories = [...tools.values()].map((tool) => path.dirname(tool.path));
    const containerd = new Containerd([...new Set(directories)]);
    await containerd.serve(sandbox);
    await containerd.connect();
    return containerd;
  }

  async ctr(...args: string[]): Promise<string> {
    const all = ["--address", this.socket, "--namespace", "k8s.io", ...args];
    const { stdout } = await execa("ctr", all, { env: { PATH: this.searchPath } });
    return stdout;
  }

  /** Starts a container with a read-only root filesystem; gives its process id. */
  async run(
    name: string,
    reference: string,
    { mounts = [WRITABLE_TMP], command = [] }: { mounts?: string[]; command?: string[] } = {},
  ): Promise<number> {
    const network = `network:/run/netns/${this.netns}`;
    await this.ctr(
      ...["run", "--detach", "--read-only", "--cgroup", "", "--with-ns", network],
      ...["--log-uri", `file://${this.logFile(name)}`],
      ...mounts.flatMap((mount) => ["--mount", mount]),
      ...[reference, this.container(name), ...command],
    );
    return this.processId(name);
  }

  async exec(name: string, ...command: string[]): Promise<void> {
    await this.ctr(
      "tasks",
      "exec",
      "--exec-id",
      `exec-${++this.execs}`,
      this.container(name),
      ...command,
    );
  }

  log(name: string): string {
    return readFileSync(this.logFile(name), "utf8");
  }

  /** Waits until the container's process has ended. */
  async ended(name: string): Promise<void> {
    const runs = async () => (await this.taskLine(name)).includes("RUNNING");
    await eventually(async () => !(await runs()));
    await this.ctr("tasks", "rm", this.container(name));
    await this.ctr("containers", "rm", this.container(name));
  }

  /** What the kubelet asks before it starts a container: is this image there? Gives the raw answer. */
  async imageStatus(reference: string): Promise<string> {
    const client = new Client(`unix:${this.socket}`, credentials.createInsecure());
    const field = (content: Buffer) =>
      Buffer.concat([Buffer.from([0x0a, ...varint(content.length)]), content]);
    const request = field(field(Buffer.from(reference)));
    try {
      return await new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          "/runtime.v1.ImageService/ImageStatus",
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes.toString("latin1"),
          request,
          (error, answer) => (error ? reject(error) : resolve(answer ?? "")),
        );
      });
    } finally {
      client.close();
    }
  }

  async stop(): Promise<void> {
    const names = (await this.ctr("tasks", "ls", "--quiet")).split("\n").filter(Boolean);
    for (const name of names) {
      await this.ctr("tasks", "rm", "--force", name).catch(() => undefined);
      await this.ctr("containers", "rm", name).catch(() => undefined);
    }
    if (this.daemon?.exitCode === null) {
      this.daemon.kill("SIGTERM");
      await once(this.daemon, "exit");
    }
    await execa("ip", ["netns", "delete", this.netns], { reject: false });
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async serve(sandbox: string): Promise<void> {
    const config = path.join(this.directory, "config.toml");
    writeFileSync(config, configuration(this.directory, this.socket, sandbox));
    const log = openSync(path.join(this.directory, "containerd.log"), "w");
    const env = { ...process.env, PATH: this.searchPath };
    this.daemon = spawn("containerd", ["--config", config], { stdio: ["ignore", log, log], env });
    const answers = () => this.ctr("version").then(() => true);
    await eventually(() => answers().catch(() => false));
  }

  private async connect(): Promise<void> {
    const hostAddress = this.host.replace(/\d+$/, (last) => String(Number(last) - 1));
    const ip = (...args: string[]) => execa("ip", args);
    await ip("netns", "add", this.netns);
    await ip(
      ...["link", "add", this.link, "type", "veth"],
      ...["peer", "name", "eth0", "netns", this.netns],
    );
    await ip("address", "add", `${hostAddress}/30`, "dev", this.link);
    await ip("link", "set", this.link, "up");
    await ip("-n", this.netns, "address", "add", `${this.host}/30`, "dev", "eth0");
    await ip("-n", this.netns, "link", "set", "eth0", "up");
  }

  /** runc keeps the containers of all containerds of a host in one folder. */
  private container(name: string): string {
    return `${name}-${this.id}`;
  }

  private logFile(name: string): string {
    return path.join(this.directory, `${name}.log`);
  }

  private async processId(name: string): Promise<number> {
    return Number((await this.taskLine(name)).split(/\s+/)[1]);
  }

  private async taskLine(name: string): Promise<string> {
    const lines = (await this.ctr("tasks", "ls")).split("\n");
    return lines.find((one) => one.startsWith(`${this.container(name)} `)) ?? "";
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

function configuration(directory: string, socket: string, sandbox: string): string {
  mkdirSync(path.join(directory, "cni"), { recursive: true });
  return `
version = 3
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${sandbox}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["${directory}/cni"]
  conf_dir = "${directory}/cni"
`;
}
