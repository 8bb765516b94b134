import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  applyEnvironment,
  outdatedVariables,
  projectEnvironment,
  userEnvironment,
} from "../../toolchain/environment";
import type { Environment } from "../../toolchain/paths";
import type { ResolvedTool } from "../../toolchain/resolve";
import { exportLines } from "../../toolchain/shell";
import { withoutSalt, withoutSaltLine } from "../../toolchain/stack-file";
import { closedAddress, serve, temporaryFolder, writeExecutable } from "./support";

const PLUGIN = join("plugins", "resource-kubernetes-v4.34.2", "pulumi-resource-kubernetes");
const STACK_FILE = "config:\n  drydock:cluster: { kind: local, name: blue }\n";

interface Fixture {
  readonly root: string;
  readonly home: string;
  readonly pulumi: ResolvedTool;
}

/** A project, a home folder, and an official-looking CLI on PATH with its language host beside it. */
function fixture(): Fixture {
  const [root, home, bin] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  writeFileSync(join(root, "Pulumi.yaml"), "name: drydock\nruntime: nodejs\n");
  writeFileSync(join(root, "Pulumi.dev.yaml"), STACK_FILE);
  writeExecutable(join(root, "dist/plugins/kubernetes/pulumi-resource-kubernetes"), "#!/bin/sh\n");
  writeExecutable(join(root, "dist/language-nodejs/pulumi-language-nodejs"), "#!/bin/sh\n");
  writeExecutable(join(bin, "pulumi"), "#!/bin/sh\n");
  writeExecutable(join(bin, "pulumi-language-nodejs"), "#!/bin/sh\n");
  const pulumi = { path: join(bin, "pulumi"), version: "3.259.0", source: "PATH" } as const;
  return { root, home, pulumi };
}

const environmentOf = (
  { root, home, pulumi }: Fixture,
  env: Environment = {},
  cacheDirectory = join(home, "cache"),
) =>
  projectEnvironment({
    root,
    stack: "dev",
    pulumi,
    tools: [],
    cacheDirectory,
    env: { HOME: home, PATH: "/usr/bin:/bin", DRYDOCK_DOWNLOADS: "off", ...env },
  });

it("lets at least 32 operations go on at once, or as many as the user says", async () => {
  const { variables } = await environmentOf(fixture());
  expect(Number(variables.PULUMI_PARALLEL)).toBeGreaterThanOrEqual(32);
  const told = await environmentOf(fixture(), { PULUMI_PARALLEL: "2" });
  expect(Object.keys(told.variables)).not.toContain("PULUMI_PARALLEL");
});

describe("backend and passphrase", () => {
  it("are the project's own where the user has chosen nothing", async () => {
    const given = fixture();
    const { variables } = await environmentOf(given);
    const file = join(given.root, ".drydock", "passphrase");

    expect(variables).toMatchObject({
      PULUMI_BACKEND_URL: pathToFileURL(join(given.root, ".drydock", "state")).href,
      PULUMI_CONFIG_PASSPHRASE_FILE: file,
      KUBECONFIG: join(given.root, ".drydock", "clusters", "blue", "kubeconfig"),
    });
    const passphrase = readFileSync(file, "utf8");
    expect(Buffer.from(passphrase.trim(), "base64url")).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(given.root, ".drydock", "state")).mode & 0o777).toBe(0o700);

    await environmentOf(given);
    expect(readFileSync(file, "utf8")).toBe(passphrase);
  });

  it("differ from checkout to checkout", async () => {
    const [a, b] = [fixture(), fixture()];
    await Promise.all([environmentOf(a), environmentOf(b)]);
    const passphrase = ({ root }: Fixture) =>
      readFileSync(join(root, ".drydock/passphrase"), "utf8");
    expect(passphrase(a)).not.toBe(passphrase(b));
  });

  it.each([
    ["PULUMI_BACKEND_URL", { PULUMI_BACKEND_URL: "s3://states" }],
    ["an access token", { PULUMI_ACCESS_TOKEN: "pul-1" }],
  ])("are left alone where the user set %s", async (_case, env) => {
    const given = fixture();
    const { variables } = await environmentOf(given, env);
    expect(Object.keys(variables)).not.toContain("PULUMI_BACKEND_URL");
    expect(Object.keys(variables)).not.toContain("PULUMI_CONFIG_PASSPHRASE_FILE");
    expect(existsSync(join(given.root, ".drydock", "passphrase"))).toBe(false);
  });

  it.each([
    ["~/.pulumi", (home: string) => ({ folder: join(home, ".pulumi"), env: {} })],
    [
      "PULUMI_CREDENTIALS_PATH",
      (home: string) => ({ folder: home, env: { PULUMI_CREDENTIALS_PATH: home } }),
    ],
  ])("are left alone after a login recorded in %s", async (_case, place) => {
    const given = fixture();
    const { folder, env } = place(given.home);
    mkdirSync(folder, { recursive: true });
    const credentials = { current: "https://api.pulumi.com" };
    writeFileSync(join(folder, "credentials.json"), JSON.stringify(credentials));
    const { variables } = await environmentOf(given, env);
    expect(Object.keys(variables)).not.toContain("PULUMI_BACKEND_URL");
  });

  it("are left alone where Pulumi.yaml names a backend", async () => {
    const given = fixture();
    writeFileSync(
      join(given.root, "Pulumi.yaml"),
      "name: drydock\nbackend: { url: gs://states }\n",
    );
    expect(Object.keys((await environmentOf(given)).variables)).not.toContain("PULUMI_BACKEND_URL");
  });

  it.each([
    ["PULUMI_CONFIG_PASSPHRASE", ""],
    ["PULUMI_CONFIG_PASSPHRASE_FILE", "/run/secrets/passphrase"],
  ])("keep the user's %s='%s' on the own backend", async (name, value) => {
    const given = fixture();
    const { variables } = await environmentOf(given, { [name]: value });
    expect(variables.PULUMI_BACKEND_URL).toBeDefined();
    expect(Object.keys(variables)).not.toContain(name);
    expect(existsSync(join(given.root, ".drydock", "passphrase"))).toBe(false);
  });

  it("are not invented for a stack that somebody else's passphrase encrypted", async () => {
    const given = fixture();
    writeFileSync(join(given.root, "Pulumi.dev.yaml"), `${STACK_FILE}encryptionsalt: v1:x\n`);
    await expect(environmentOf(given)).rejects.toThrow(
      "this stack was encrypted with a passphrase that is not here",
    );
    writeFileSync(join(given.root, "Pulumi.dev.yaml"), STACK_FILE);
    writeFileSync(join(given.root, "Pulumi.prod.yaml"), "encryptionsalt: v1:x\n");
    expect((await environmentOf(given)).variables.PULUMI_BACKEND_URL).toBeDefined();
  });
});

describe("another checkout's environment in the same shell", () => {
  it("does not count as the user's", async () => {
    const [other, own] = [fixture(), fixture()];
    const shell = applyEnvironment({ HOME: own.home, PATH: "/bin" }, await environmentOf(other));
    const { variables } = await environmentOf(own, userEnvironment(shell));
    expect(JSON.stringify(variables)).not.toContain(other.root);
    expect(variables.PULUMI_BACKEND_URL).toContain(own.root);
  });

  it("gives way to a login made since: outdated variables are named", async () => {
    const given = fixture();
    const shell = applyEnvironment({ HOME: given.home, PATH: "/bin" }, await environmentOf(given));
    const user = userEnvironment(shell);
    const environment = await environmentOf(given, { ...user, PULUMI_ACCESS_TOKEN: "pul-1" });
    expect(outdatedVariables(shell, environment)).toEqual(
      expect.arrayContaining(["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"]),
    );
  });

  it("keeps a PULUMI_HOME of the user's through a second run", async () => {
    const given = fixture();
    const custom = { PULUMI_HOME: temporaryFolder() };
    const first = await environmentOf(given, custom);
    expect(first.variables.PULUMI_HOME).toBe(join(given.root, ".drydock", "home"));
    expect(first.variables.PULUMI_CREDENTIALS_PATH).toBe(custom.PULUMI_HOME);
    expect(userEnvironment(applyEnvironment(custom, first)).PULUMI_HOME).toBe(custom.PULUMI_HOME);
  });
});

describe("the Kubernetes plugin", () => {
  it("is the official one where the user has it", async () => {
    const given = fixture();
    writeExecutable(join(given.home, ".pulumi", PLUGIN), "#!/bin/sh\n");
    const { variables, notes } = await environmentOf(given);
    expect(variables.PULUMI_HOME).toBe(join(given.home, ".pulumi"));
    expect(notes).toEqual([]);
    expect(existsSync(join(given.root, ".drydock", "home"))).toBe(false);
  });

  it("is the stand-in elsewhere, beside the user's other plugins, and is told once", async () => {
    const given = fixture();
    const aws = join("plugins", "resource-aws-v7.1.0", "pulumi-resource-aws");
    writeExecutable(join(given.home, ".pulumi", aws), "#!/bin/sh\n");
    const first = await environmentOf(given);
    const home = join(given.root, ".drydock", "home");

    expect(first.variables.PULUMI_HOME).toBe(home);
    expect(first.variables.PULUMI_CREDENTIALS_PATH).toBe(join(given.home, ".pulumi"));
    expect(first.notes).toEqual([expect.stringContaining("stand-in serves instead")]);
    // Pulumi passes over a plugin folder that is a link.
    expect(lstatSync(join(home, PLUGIN, "..")).isDirectory()).toBe(true);
    expect(realpathSync(join(home, PLUGIN))).toBe(
      realpathSync(join(given.root, "dist/plugins/kubernetes/pulumi-resource-kubernetes")),
    );
    expect(realpathSync(join(home, aws))).toBe(realpathSync(join(given.home, ".pulumi", aws)));
    expect((await environmentOf(given)).notes).toEqual([]);
  });

  it("leaves out the CLI's log of each command beside the stand-in, unless the user wants it", async () => {
    const given = fixture();
    await environmentOf(given);
    const logs = join(given.root, ".drydock", "home", "logs");
    expect(readFileSync(logs, "utf8")).toContain("put a folder in place of this file");
    rmSync(logs);
    mkdirSync(logs);
    await environmentOf(given);
    expect(lstatSync(logs).isDirectory()).toBe(true);
  });

  const install = async (given: Fixture, pluginServer: string, cli: string) => {
    writeExecutable(given.pulumi.path, `#!/bin/sh\necho "$@" >> ${given.home}/calls\n${cli}\n`);
    return projectEnvironment({
      ...given,
      stack: "dev",
      tools: [],
      cacheDirectory: join(given.home, "cache"),
      env: { HOME: given.home, PATH: "/usr/bin:/bin" },
      pluginServer,
    });
  };
  const calls = ({ home }: Fixture) =>
    existsSync(join(home, "calls")) ? readFileSync(join(home, "calls"), "utf8").trim() : "";

  it("is installed by the CLI where its server answers", async () => {
    const given = fixture();
    const server = await serve(() => undefined);
    const path = `"$PULUMI_HOME/${PLUGIN}"`;
    const cli = `mkdir -p "$(dirname ${path})"; touch ${path}; chmod +x ${path}`;
    const { variables } = await install(given, server.url, cli);

    expect(calls(given)).toBe("plugin install resource kubernetes 4.34.2");
    expect(existsSync(join(given.home, ".pulumi", PLUGIN))).toBe(true);
    expect(variables.PULUMI_HOME).toBe(join(given.home, ".pulumi"));
  });

  it("is not asked for again for hours after a failure", async () => {
    const given = fixture();
    const server = await serve(() => undefined);
    await install(given, server.url, "echo no such release >&2; exit 1");
    await install(given, server.url, "exit 1");
    expect(calls(given).split("\n")).toHaveLength(1);
    rmSync(join(given.home, "cache"), { recursive: true });
    const { notes } = await install(given, await closedAddress(), "exit 1");
    expect(calls(given).split("\n")).toHaveLength(1);
    expect(notes).toEqual([]);
  });
});

describe("the language host", () => {
  const without = (given: Fixture): Fixture => {
    rmSync(join(given.pulumi.path, "..", "pulumi-language-nodejs"));
    return given;
  };

  it("is the official one next to the CLI", async () => {
    const { pathPrefix, notes } = await environmentOf(fixture());
    expect(pathPrefix).toEqual([]);
    expect(notes.join()).not.toContain("language host");
  });

  it("is put next to a CLI that we built, and renewed when it changes", async () => {
    const { root, home, pulumi } = without(fixture());
    const built: Fixture = { root, home, pulumi: { ...pulumi, source: "cache", origin: "build" } };
    const host = join(pulumi.path, "..", "pulumi-language-nodejs");
    expect((await environmentOf(built)).notes.join()).toContain("built from source");
    expect(statSync(host).mode & 0o777).toBe(0o755);
    expect(lstatSync(host).isSymbolicLink()).toBe(false);

    writeFileSync(join(root, "dist/language-nodejs/pulumi-language-nodejs"), "newer");
    expect((await environmentOf(built)).notes.join()).not.toContain("built from source");
    expect(readFileSync(host, "utf8")).toBe("newer");
  });

  it("comes from PATH for a CLI of the user's without one", async () => {
    const given = without(fixture());
    const { pathPrefix } = await environmentOf(given);
    expect(pathPrefix).toEqual([join(given.root, "dist/language-nodejs")]);
    expect(existsSync(join(given.pulumi.path, "..", "pulumi-language-nodejs"))).toBe(false);
  });
});

describe("export lines", () => {
  it("survive every value in a shell", () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from(`'"\\$\`!*~ \nab;&|#(){}`)) });
    fc.assert(
      fc.property(text, (value) => {
        const printed = execFileSync(
          "sh",
          ["-c", `${exportLines({ VALUE: value })}printf %s "$VALUE"`],
          { encoding: "utf8" },
        );
        expect(printed).toBe(value);
      }),
      { numRuns: 40 },
    );
  });

  it("put folders in front of the shell's own PATH", () => {
    const lines = exportLines({}, { pathPrefix: ["/a b", "/c'd"] });
    const run = `PATH=/usr/bin:/bin; ${lines}printf %s "$PATH"`;
    expect(execFileSync("/bin/sh", ["-c", run], { encoding: "utf8" })).toBe(
      "/a b:/c'd:/usr/bin:/bin",
    );
  });

  it("speak fish", () => {
    const lines = exportLines(
      { A: "it's a \\ b" },
      { pathPrefix: ["/x"], unset: ["OLD"], shell: "fish" },
    );
    expect(lines).toBe("set -gx A 'it\\'s a \\\\ b'\nset -e OLD\nset -gx PATH '/x' $PATH\n");
  });
});

describe("the salt in a stack's file", () => {
  it("is taken back, with the layout that Pulumi changed", async () => {
    const file = join(temporaryFolder(), "Pulumi.dev.yaml");
    const text = "# comment\nconfig:\n\n  a: 1\n";
    writeFileSync(file, text);
    await withoutSalt(file, () => {
      writeFileSync(file, "# comment\nconfig:\n  a: 1\nencryptionsalt: v1:abc\n");
      return Promise.resolve();
    });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("is taken back from a failed run too, and keeps what the run changed", async () => {
    const file = join(temporaryFolder(), "Pulumi.dev.yaml");
    writeFileSync(file, "config:\n  a: 1\n");
    const work = withoutSalt(file, () => {
      writeFileSync(file, "config:\n  a: 2\nencryptionsalt: v1:abc\n");
      return Promise.reject(new Error("failed"));
    });
    await expect(work).rejects.toThrow("failed");
    expect(readFileSync(file, "utf8")).toBe("config:\n  a: 2\n");
  });

  it("stays where values are encrypted with it", () => {
    const text = "config:\n  a:\n    secure: v1:x\nencryptionsalt: v1:abc\n";
    expect(withoutSaltLine(text)).toBe(text);
  });
});
