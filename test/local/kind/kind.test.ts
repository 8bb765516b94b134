import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { parse } from "yaml";

import { kindReason, runKind } from "../../../infra/local/kind/commands";
import { kindConfig, NODE_PORTS } from "../../../infra/local/kind/config";
import {
  containerEnvironment,
  findContainerEngine,
} from "../../../infra/local/kind/container-engine";
import { nodeImage } from "../../../infra/local/kind/node-image";
import { freePorts } from "../../../infra/local/runtime/ports";
import { SYSTEM_PATH } from "../../../infra/local/runtime/process";
import { RELEASES } from "../../../toolchain/tools";
import { report } from "../../integration/support/report";

const docker = SYSTEM_PATH.split(":")
  .map((path) => join(path, "docker"))
  .find(existsSync);
const noDocker = docker === undefined ? "there is no docker command here" : undefined;
if (noDocker !== undefined) report(`not checked, because ${noDocker}: how it answers kind`);

let folder: string;
let onlyDocker: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "drydock-kind-"));
  onlyDocker = join(folder, "bin");
  mkdirSync(onlyDocker);
  if (docker !== undefined) symlinkSync(docker, join(onlyDocker, "docker"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** An environment with the docker command and a socket, and nothing else of this machine. */
const withSocket = (socket: string) => ({
  PATH: onlyDocker,
  HOME: folder,
  DOCKER_HOST: `unix://${socket}`,
});

describe("the container engine", () => {
  it("is none where no command is installed", async () => {
    expect(await findContainerEngine({ PATH: join(folder, "nothing") })).toEqual({
      found: undefined,
      reasons: ["docker: not installed", "podman: not installed"],
    });
  });

  it.skipIf(noDocker !== undefined)(
    "is none where the real docker command finds no daemon",
    async () => {
      const socket = join(folder, "none.sock");
      const search = await findContainerEngine(withSocket(socket));
      expect(search.found).toBeUndefined();
      expect(search.found === undefined && search.reasons[0]).toMatch(
        /^docker: .*(Cannot connect to the Docker daemon|failed to connect)/,
      );
    },
  );

  // The client is the real one; the daemon is simulated: it answers the two calls of `docker version`.
  it.skipIf(noDocker !== undefined)(
    "is the Docker that answers the real docker command",
    async () => {
      const calls: string[] = [];
      const daemon = createServer(({ url = "" }, response) => {
        calls.push(url.replace(/^\/v[\d.]+/, ""));
        response.setHeader("Api-Version", "1.50");
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({ Version: "28.2.2", ApiVersion: "1.50", MinAPIVersion: "1.24" }),
        );
      });
      const socket = join(folder, "docker.sock");
      daemon.listen(socket);
      await once(daemon, "listening");
      onTestFinished(() => void daemon.close());
      expect(await findContainerEngine(withSocket(socket))).toEqual({
        found: { name: "docker", version: "28.2.2" },
      });
      expect(calls).toContain("/version");
    },
  );

  it.skipIf(noDocker !== undefined)("is not waited for when it does not answer", async () => {
    const daemon = createServer(() => undefined);
    const socket = join(folder, "silent.sock");
    daemon.listen(socket);
    await once(daemon, "listening");
    onTestFinished(() => {
      daemon.closeAllConnections();
      daemon.close();
    });
    const search = await findContainerEngine(withSocket(socket));
    expect(search.found === undefined && search.reasons[0]).toBe("docker: no answer within 5 s");
  });

  it("gets what it needs of the user's environment, and no more", () => {
    const env = {
      PATH: "/bin",
      DOCKER_HOST: "unix:///x",
      XDG_RUNTIME_DIR: "/run/user/1",
      HTTPS_PROXY: "http://proxy",
      PULUMI_CONFIG_PASSPHRASE: "canary",
      AWS_SECRET_ACCESS_KEY: "canary",
    };
    expect(Object.keys(containerEnvironment(env)).sort()).toEqual([
      "DOCKER_HOST",
      "HTTPS_PROXY",
      "PATH",
      "XDG_RUNTIME_DIR",
    ]);
  });
});

describe("kind's own binary", () => {
  const kind = join(inject("binaries"), "kind");

  it("is the pinned one", async () => {
    const { stdout } = await execa(kind, ["version"]);
    const { version } = RELEASES.find(({ name }) => name === "kind") ?? {};
    expect(stdout).toContain(`kind v${version ?? ""} `);
  });

  /** How far it comes where no engine answers: it reads its configuration first. */
  async function create(config: string): Promise<string> {
    const file = join(mkdtempSync(join(folder, "config-")), "kind.yaml");
    writeFileSync(file, config);
    const env = {
      PATH: `${onlyDocker}${delimiter}/bin`,
      HOME: folder,
      DOCKER_HOST: "unix:///none",
    };
    const args = ["create", "cluster", "--name", "drydock-kind-test", "--config", file];
    const result = await execa(kind, [...args, "--kubeconfig", join(folder, "kubeconfig")], {
      env,
      extendEnv: false,
      reject: false,
    });
    expect(result.failed).toBe(true);
    return result.stderr;
  }

  it.skipIf(noDocker !== undefined)(
    "accepts our configuration, and fails at the engine",
    async () => {
      const { image } = nodeImage("1.36");
      const config = kindConfig({ image, firstHostPort: 21_000 });
      const output = await create(config);
      expect(output).toMatch(/docker/i);
      expect(output).not.toMatch(/unknown field|unable to decode|invalid configuration/);
      // It would have said so of a wrong one.
      expect(await create(`${config}\nnonsense: 1\n`)).toMatch(
        /unknown field|field nonsense not found/,
      );
    },
  );

  it.skipIf(noDocker !== undefined)("has its failure told in one clear error", async () => {
    const tool = { kind, container: { name: "docker", version: "28" } } as const;
    const failed = runKind("making the kind cluster", ["create", "cluster", "--name", "x"], {
      ...tool,
      onProgress: () => undefined,
    });
    await expect(failed).rejects.toThrow(/^making the kind cluster failed\n {2}why: .*docker/);
    await expect(failed).rejects.not.toThrow(/"ContainersRunning"/);
  });

  it("has its reason taken out of all it prints", () => {
    const output = `Creating cluster "x" ...
 • Ensuring node image (kindest/node:v1.36.1) 🖼  ...
 ✗ Ensuring node image (kindest/node:v1.36.1) 🖼
ERROR: failed to create cluster: failed to pull image "kindest/node": command "docker pull" failed with error: exit status 1

Command Output: {"ID":""}
Error response from daemon: no such host
`;
    expect(kindReason(output)).toBe(
      'failed to create cluster: failed to pull image "kindest/node": command "docker pull" failed with error: exit status 1; Error response from daemon: no such host',
    );
    expect(kindReason("ERROR: unknown flag")).toBe("ERROR: unknown flag");
  });
});

describe("the node of a kind cluster", () => {
  it("answers on loopback only, at a port for each NodePort that there can be", () => {
    const { image } = nodeImage("1.36");
    const config = parse(kindConfig({ image, firstHostPort: 21_000 })) as {
      nodes: [{ image: string; extraPortMappings: Record<string, unknown>[] }];
      networking: object;
      kubeadmConfigPatchesJSON6902: [{ patch: string }];
    };
    const [node] = config.nodes;
    expect(node.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(config.networking).toEqual({ apiServerAddress: "127.0.0.1" });
    expect(node.extraPortMappings).toHaveLength(NODE_PORTS.count);
    expect(new Set(node.extraPortMappings.map(({ listenAddress }) => listenAddress))).toEqual(
      new Set(["127.0.0.1"]),
    );
    expect(node.extraPortMappings.at(-1)).toMatchObject({
      containerPort: 30_015,
      hostPort: 21_015,
    });
    expect(parse(config.kubeadmConfigPatchesJSON6902[0].patch)).toEqual([
      {
        op: "add",
        path: "/apiServer/extraArgs/-",
        value: { name: "service-node-port-range", value: "30000-30015" },
      },
    ]);
  });

  it("gets ports in a row that nothing listens on", async () => {
    const first = await freePorts(NODE_PORTS.count);
    expect(first).toBeGreaterThanOrEqual(20_000);
    expect(first + NODE_PORTS.count).toBeLessThan(32_768);
  });

  it("is of a Kubernetes that the pinned kind has, or refused", () => {
    expect(() => nodeImage("1.20")).toThrow("kind has no node of Kubernetes 1.20 here");
  });
});
