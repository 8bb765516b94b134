import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { waitForPage } from "../../toolchain/commands/page";
import { bundle } from "../support/bundle";
import { closedAddress, serve, temporaryFolder, writeExecutable } from "./support";

const bundles = mkdtempSync(join(tmpdir(), "drydock-test-"));
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

// The command as it is shipped: one file, run by Node.
beforeAll(async () => {
  await bundle("toolchain/commands/main.ts", join(bundles, "cli.js"));
});

/** Stands for the Pulumi CLI: writes down what it is asked, and answers as the test's files say. */
const PULUMI = `#!/bin/sh
[ "$1" = version ] && echo v3.259.0 && exit 0
echo "$@" >> "$ANSWERS/calls"
key="$1"
[ "$1" = stack ] && key="stack-$2"
[ -f "$ANSWERS/$key" ] && . "$ANSWERS/$key" && exit
case "$key" in
  stack-export) echo '{"deployment":{}}' ;;
  stack-output) echo '{}' ;;
esac
exit 0
`;

const PACK = "dist/policy/drydock-policy";

interface Project {
  readonly root: string;
  readonly home: string;
  /** Makes a command, such as `up` or `stack-select`, run shell lines. */
  readonly answer: (command: string, text: string) => void;
  readonly calls: () => readonly string[];
  readonly env: Record<string, string>;
}

function project(
  stackFile = "config:\n  drydock:cluster: { kind: existing, name: other }\n",
): Project {
  const [root, home] = [temporaryFolder(), temporaryFolder()];
  const [bin, answers] = [join(home, "bin"), join(home, "answers")];
  mkdirSync(answers);
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "drydock" }));
  writeFileSync(join(root, "Pulumi.yaml"), "name: drydock\n");
  writeFileSync(join(root, "Pulumi.dev.yaml"), stackFile);
  mkdirSync(join(root, "dist"));
  writeFileSync(join(root, "dist/cli.js"), readFileSync(join(bundles, "cli.js")));
  writeExecutable(join(root, "dist/plugins/kubernetes/pulumi-resource-kubernetes"), "#!/bin/sh\n");
  writeExecutable(join(root, PACK), "#!/bin/sh\n");
  writeExecutable(join(bin, "pulumi"), PULUMI);
  writeExecutable(join(bin, "pulumi-language-nodejs"), "#!/bin/sh\n");
  writeExecutable(join(bin, "kubectl"), "#!/bin/sh\necho 'Client Version: v1.36.3'\n");
  const log = join(answers, "calls");
  return {
    root,
    home,
    answer: (command, text) => writeFileSync(join(answers, command), `${text}\n`),
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    env: {
      HOME: home,
      PATH: `${bin}:/usr/bin:/bin`,
      ANSWERS: answers,
      DRYDOCK_DOWNLOADS: "off",
    },
  };
}

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with a dead terminal: standard input is /dev/null, nothing is a TTY. */
async function run(
  { root, env }: Project,
  args: readonly string[],
  whileRunning: (pid: number) => Promise<void> = () => Promise.resolve(),
): Promise<Run> {
  const child = spawn(process.execPath, [join(root, "dist/cli.js"), ...args], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (data: string) => (text.stdout += data));
  child.stderr.setEncoding("utf8").on("data", (data: string) => (text.stderr += data));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  await whileRunning(child.pid ?? 0);
  return { code: await closed, ...text };
}

describe("start", () => {
  it("makes the stack, brings it up without a question and prints the address that answered", async () => {
    const given = project();
    const page = await serve((_request, response) => response.end("nginx"));
    const outputs = JSON.stringify({ nginxUrl: page.url, servesTraffic: true });
    given.answer("stack-output", `echo '${outputs}'`);
    const { code, stderr } = await run(given, ["start", "--", "--diff"]);

    expect(given.calls()).toEqual([
      "stack select dev --create --non-interactive",
      `up --stack dev --yes --non-interactive --diff --policy-pack ${join(given.root, PACK)}`,
      "stack output --stack dev --json --non-interactive",
    ]);
    expect(stderr).toContain(`${page.url} answers: HTTP 200`);
    expect(code).toBe(0);
  });

  it("passes Pulumi's exit code on, and prints no address then", async () => {
    const given = project();
    given.answer("up", "echo failed >&2; exit 7");
    const { code, stderr } = await run(given, ["start"]);
    expect(code).toBe(7);
    expect(stderr).toContain("failed");
    expect(given.calls().at(-1)).toMatch(/^up --stack dev --yes --non-interactive /);
  });

  it("says that no page is served where nodes are simulated", async () => {
    const given = project();
    const outputs = { nginxUrl: await closedAddress(), servesTraffic: false };
    given.answer("stack-output", `echo '${JSON.stringify(outputs)}'`);
    const { code, stderr } = await run(given, ["start"]);
    expect(code).toBe(0);
    expect(stderr).toContain("nodes are simulated");
  });

  it("hands one SIGINT to Pulumi and gives its exit code", async () => {
    const given = project();
    const mark = join(given.home, "interrupted");
    given.answer(
      "up",
      `trap 'echo INT >> ${mark}; exit 1' INT; touch ${mark}; while :; do sleep 0.1; done`,
    );
    const { code } = await run(given, ["start"], async (pid) => {
      while (!existsSync(mark)) await sleep(20);
      process.kill(pid, "SIGINT");
    });
    expect(code).toBe(1);
    expect(readFileSync(mark, "utf8")).toBe("INT\n");
  });

  it("leaves the stack's file as it was", async () => {
    const given = project();
    const file = join(given.root, "Pulumi.dev.yaml");
    const before = readFileSync(file, "utf8");
    given.answer("up", "echo 'encryptionsalt: v1:x' >> Pulumi.dev.yaml");
    expect((await run(given, ["start"])).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("tells what it cannot do in words, not in stack traces", async () => {
    const given = project("config: [unclosed\n");
    const { code, stderr } = await run(given, ["start"]);
    expect(code).toBe(1);
    expect(stderr).toContain("the stack's file cannot be read");
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  });
});

describe("preview", () => {
  it("runs Pulumi's with the policy pack and the stack's configuration of it", async () => {
    const given = project();
    const config = join(given.root, "policy/config/dev.json");
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, "{}");
    given.answer("preview", "exit 1");
    const { code } = await run(given, ["preview", "--", "--diff"]);
    expect(given.calls().at(-1)).toBe(
      "preview --stack dev --non-interactive " +
        `--policy-pack ${join(given.root, PACK)} --policy-pack-config ${config} --diff`,
    );
    expect(code).toBe(1);
  });

  it.each([["--stack", "prod"], ["-s", "prod"], ["--stack=prod"]])(
    "takes %s %s",
    async (...args) => {
      const given = project();
      writeFileSync(
        join(given.root, "Pulumi.prod.yaml"),
        "config: { drydock:cluster: { kind: eks } }\n",
      );
      await run(given, ["preview", "--diff", ...args]);
      expect(given.calls().at(-1)).toBe(
        `preview --stack prod --non-interactive --policy-pack ${join(given.root, PACK)} --diff`,
      );
    },
  );

  it("looks at no policy where DRYDOCK_POLICY is off, and says so", async () => {
    const given = project();
    const off = { ...given, env: { ...given.env, DRYDOCK_POLICY: "off" } };
    const { stderr } = await run(off, ["preview"]);
    expect(given.calls().at(-1)).toBe("preview --stack dev --non-interactive");
    expect(stderr).toContain("DRYDOCK_POLICY is off: no policy is looked at.");
  });

  it("leaves a pack that the user names alone", async () => {
    const given = project();
    await run(given, ["preview", "--", "--policy-pack=./mine"]);
    expect(given.calls().at(-1)).toBe("preview --stack dev --non-interactive --policy-pack=./mine");
  });

  it("refuses to go on without its pack", async () => {
    const given = project();
    rmSync(join(given.root, PACK));
    const { code, stderr } = await run(given, ["preview"]);
    expect(code).toBe(1);
    expect(stderr).toContain("the policy pack is not built");
    expect(stderr).toContain("DRYDOCK_POLICY=off");
    expect(given.calls().filter((call) => call.startsWith("preview"))).toEqual([]);
  });
});

describe("a lock on the stack", () => {
  const lock = ({ root }: Project, pid: number, host = hostname(), timestamp?: string) => {
    const folder = join(root, ".drydock/state/.pulumi/locks/organization/drydock/dev");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "1.json"), JSON.stringify({ pid, hostname: host, timestamp }));
  };
  // Beyond the largest process id that Linux gives.
  const DEAD = 2 ** 22 + 1;

  it("is released when its holder is dead", async () => {
    const given = project();
    lock(given, DEAD);
    const { stderr } = await run(given, ["start"]);
    expect(given.calls()[0]).toBe("cancel --yes --stack dev --non-interactive");
    expect(stderr).toContain("The last run was killed");
  });

  it.each([
    ["lives", { pid: process.pid, host: hostname() }],
    ["is on another machine", { pid: DEAD, host: "elsewhere" }],
  ])("is left alone, and its holder named, when that %s", async (_case, holder) => {
    const given = project();
    lock(given, holder.pid, holder.host);
    for (const command of ["start", "recover", "down"]) {
      const { code, stderr } = await run(given, [command]);
      expect(stderr).toContain("another run of Pulumi works on the stack dev");
      expect(stderr).toContain(`pid ${String(holder.pid)}`);
      expect(code).toBe(1);
    }
    expect(given.calls()).toEqual([]);
  });

  it("is released when another process has got its holder's number since", async () => {
    const given = project();
    lock(given, process.pid, hostname(), "2020-01-01T00:00:00Z");
    await run(given, ["start"]);
    expect(given.calls()[0]).toBe("cancel --yes --stack dev --non-interactive");
  });
});

describe("down", () => {
  it("destroys, removes the stack and leaves no file but the stack's", async () => {
    const given = project();
    const { code, stderr } = await run(given, ["down"]);
    expect(given.calls().filter((call) => !call.startsWith("stack select"))).toEqual([
      "stack export --stack dev --non-interactive",
      "destroy --stack dev --yes --skip-preview",
      "stack rm dev --yes --preserve-config --non-interactive",
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain("The stack dev is gone");
    expect(existsSync(join(given.root, ".drydock"))).toBe(false);
    expect(existsSync(join(given.root, "Pulumi.dev.yaml"))).toBe(true);
  });

  it("clears what a killed run left pending, first", async () => {
    const given = project();
    const resource = {
      urn: "urn:pulumi:dev::drydock::drydock:local:Cluster::c",
      type: "drydock:local:Cluster",
    };
    const state = { deployment: { pending_operations: [{ type: "creating", resource }] } };
    given.answer("stack-export", `echo '${JSON.stringify(state)}'`);
    const { stderr } = await run(given, ["down"]);
    expect(stderr).toContain("The last run did not end: creating Cluster c.");
    expect(given.calls()).toContain(
      "refresh --stack dev --yes --skip-preview --clear-pending-creates",
    );
  });

  it("stops when destroy fails; --force goes on", async () => {
    const given = project();
    given.answer("destroy", "exit 1");
    const { code, stderr } = await run(given, ["down"]);
    expect(code).toBe(1);
    expect(stderr).toContain("pulumi destroy failed");
    expect(given.calls().join("\n")).not.toContain("stack rm");

    expect((await run(given, ["down", "--force"])).code).toBe(0);
    expect(given.calls().at(-1)).toContain("stack rm dev --yes --preserve-config --force");
  });

  it("keeps the backend for another stack, and the passphrase for encrypted values", async () => {
    const given = project();
    const stacks = join(given.root, ".drydock/state/.pulumi/stacks/drydock");
    mkdirSync(stacks, { recursive: true });
    writeFileSync(join(stacks, "prod.json"), "{}");
    await run(given, ["down"]);
    expect(existsSync(join(stacks, "prod.json"))).toBe(true);
    rmSync(stacks, { recursive: true });
    writeFileSync(join(given.root, "Pulumi.prod.yaml"), "encryptionsalt: v1:x\n");
    await run(given, ["down"]);
    expect(existsSync(join(given.root, ".drydock/state"))).toBe(false);
    expect(existsSync(join(given.root, ".drydock/passphrase"))).toBe(true);
  });

  it("has nothing to do without a stack", async () => {
    const given = project();
    given.answer("stack-select", "exit 6");
    const { code, stderr } = await run(given, ["down"]);
    expect(code).toBe(0);
    expect(stderr).toContain("There is no stack dev.");
    expect(given.calls()).toHaveLength(1);
  });
});

describe("env", () => {
  it("prints lines for a shell on standard output, and words for people elsewhere", async () => {
    const given = project();
    const { code, stdout, stderr } = await run(given, ["env"]);
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => !/^export [A-Z_]+='[^']*'$/.test(line)),
    ).toEqual([]);
    expect(stdout).toContain(`export PULUMI_BACKEND_URL='file://${given.root}/.drydock/state'`);
    expect(stdout).not.toContain("KUBECONFIG");
    expect(stderr).toContain("stand-in");
  });

  it("makes a missing stack in the project's own backend, so that plain pulumi finds it, and in no other", async () => {
    const given = project();
    await run(given, ["env"]);
    expect(given.calls()).toEqual(["stack select dev --create --non-interactive"]);

    const again = project();
    const stacks = join(again.root, ".drydock", "state", ".pulumi", "stacks", "drydock");
    mkdirSync(stacks, { recursive: true });
    writeFileSync(join(stacks, "dev.json"), "{}");
    await run(again, ["env"]);
    expect(again.calls()).toEqual([]);

    const theirs = project();
    theirs.env.PULUMI_BACKEND_URL = `file://${temporaryFolder()}`;
    expect((await run(theirs, ["env"])).code).toBe(0);
    expect(theirs.calls()).toEqual([]);
  });

  it("refuses an unknown shell", async () => {
    const { code, stdout, stderr } = await run(project(), ["env", "--shell", "tcsh"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("no such shell: tcsh");
  });
});

describe("doctor", () => {
  it("lists each tool with its place, and exits 0 where start can work", async () => {
    const given = project();
    const { code, stdout } = await run(given, ["doctor"]);
    expect(stdout).toContain(`ok    pulumi 3.259.0  PATH: ${join(given.home, "bin/pulumi")}`);
    expect(stdout).toContain("ok    kubectl 1.36.3  PATH: ");
    expect(stdout).toMatch(/^ {2}(ok {2}|note) {2}iptables: /m);
    expect(code).toBe(0);
    expect(existsSync(join(given.home, ".cache"))).toBe(false);
  });

  it("exits 1 and names the remedy where a tool cannot be had", async () => {
    const given = project();
    rmSync(join(given.home, "bin/kubectl"));
    const env = { ...given.env, PATH: join(given.home, "bin") };
    writeExecutable(join(given.home, "bin/sh"), "#!/bin/false\n");
    const { code, stdout } = await run({ ...given, env }, ["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "MISS  kubectl 1.36.3  not here yet: DRYDOCK_DOWNLOADS is off, and no Go",
    );
    expect(stdout).toContain("fix: install Go 1.21 or later");
  });
});

describe("an unknown command", () => {
  it("shows the usage", async () => {
    const { code, stderr } = await run(project(), ["sail"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Usage: npm start");
  });
});

describe("waiting for the page", () => {
  const { signal } = new AbortController();

  it("goes on until it answers well", async () => {
    const server = await serve((_request, response, get) =>
      response.writeHead(get < 2 ? 503 : 200).end(),
    );
    expect(await waitForPage(server.url, signal)).toBe(200);
    expect(server.gets()).toHaveLength(3);
  });

  it("finds names below .localhost on this machine, as browsers do", async () => {
    const server = await serve((_request, response) => response.writeHead(200).end());
    const { port } = new URL(server.url);
    expect(await waitForPage(`http://site.localhost:${port}`, signal)).toBe(200);
  });

  it("ends with the last answer, or with the reason why there was none", async () => {
    const server = await serve((_request, response) => response.writeHead(404).end());
    await expect(waitForPage(server.url, signal, 300)).rejects.toThrow("why: HTTP 404");
    await expect(waitForPage(await closedAddress(), signal, 300)).rejects.toThrow("ECONNREFUSED");
    await expect(waitForPage("http://nowhere.invalid", signal, 300)).rejects.toThrow(
      "let the name lead to the ingress",
    );
  });
});
