import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isAlive } from "../../toolchain/alive";
import { commandName } from "../../toolchain/build";
import type { Release } from "../../toolchain/release";
import {
  resolveTools,
  ToolError,
  type Progress,
  type ResolveOptions,
} from "../../toolchain/resolve";
import { bareRelease, temporaryFolder, testTool, writeExecutable } from "./support";
import { eventually } from "../support/eventually";

const HAS_GO = (() => {
  try {
    const version = execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
    return Number(/^go1\.(\d+)/.exec(version)?.[1]) >= 21;
  } catch {
    return false;
  }
})();

/** Nothing can be downloaded: the recipe `etcd` is built from a module that the test writes. */
function options(env: Record<string, string>, more: ResolveOptions = {}): ResolveOptions {
  return {
    env: { ...env, DRYDOCK_DOWNLOADS: "off" },
    cacheDirectory: join(temporaryFolder(), "cache"),
    releases: [release("etcd", "example.test/tools/etcd/v3"), release("crane", "./crane")],
    ...more,
  };
}

const release = (name: "etcd" | "crane", goPackage: string): Release =>
  bareRelease({ name, content: "", overrides: { tools: [testTool(name, goPackage)] } });

/** Two commands of one module; one of them does not compile if `broken`. */
function goModule(broken = false): string {
  const folder = temporaryFolder();
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, "etcd", path, ".."), { recursive: true });
    writeFileSync(join(folder, "etcd", path), text);
  };
  // New to Go's build cache each time, so that there is something to compile.
  const program = `package main // ${randomUUID()}\nfunc main() { println("version 1.2.3") }\n`;
  write("go.mod", "module example.test/tools\n\ngo 1.21\n");
  write("etcd/v3/main.go", program);
  write("crane/main.go", broken ? "package main\nfunc main() { undefinedName() }\n" : program);
  return folder;
}

/** A folder with a `go` that behaves as a test says. */
function fakeGo(text: string): string {
  const folder = temporaryFolder();
  writeExecutable(
    join(folder, "go"),
    `#!/bin/sh\n[ "$1" = env ] && echo go1.26.8 && exit 0\n${text}\n`,
  );
  return folder;
}

async function failure(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ToolError);
  return error as ToolError;
}

const realEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  HOME: process.env.HOME ?? "",
  GOPROXY: "off",
});

describe.runIf(HAS_GO)("a build with Go", () => {
  it("makes the commands of a group in one go, and tells what it does", async () => {
    const told: Progress[] = [];
    const given = options(realEnvironment(), {
      goDirectory: goModule(),
      onProgress: (progress) => void told.push(progress),
    });
    const tools = await resolveTools(["etcd", "crane"], given);

    expect([...tools.values()].map(({ source, version }) => [source, version])).toEqual([
      ["build", "1.2.3"],
      ["build", "1.2.3"],
    ]);
    expect(readdirSync(join(given.cacheDirectory ?? "", "stage"))).toEqual([]);
    const again = await resolveTools(["etcd", "crane"], given);
    expect(again.get("crane")).toMatchObject({ source: "cache", origin: "build" });
    expect(told[0]).toEqual({ kind: "plan", groups: [{ name: "etcd", title: "etcd" }] });
    expect(told).toContainEqual({
      kind: "note",
      text: "built from source, because not downloadable: DRYDOCK_DOWNLOADS is off",
    });
    expect(told.filter(({ kind }) => kind === "status").at(-1)).toMatchObject({
      text: expect.stringMatching(/^compiling \d+ of \d+ packages, example\.test/) as string,
    });
    expect(told.at(-1)).toEqual({ kind: "done", group: "etcd" });
  });

  it("builds for this machine whatever the user's GOOS, GOFLAGS and workspace say", async () => {
    const env = { ...realEnvironment(), GOOS: "plan9", GOFLAGS: "-mod=vendor", GOWORK: "/nowhere" };
    const given = options(env, { goDirectory: goModule() });
    expect((await resolveTools(["etcd"], given)).get("etcd")?.version).toBe("1.2.3");
  });

  it("builds only what is asked for", async () => {
    const given = options(realEnvironment(), { goDirectory: goModule(true) });
    expect((await resolveTools(["etcd"], given)).get("etcd")?.source).toBe("build");
  });

  it("shows the compiler's words when a package does not compile", async () => {
    const error = await failure(
      resolveTools(["crane"], options(realEnvironment(), { goDirectory: goModule(true) })),
    );
    expect(error.details.what).toBe("etcd: go build failed (exit code 1)");
    expect(error.details.why).toContain("undefined: undefinedName");
    expect(error.details.why).toContain("crane 1.2.3 could not be downloaded");
  });
});

describe("Go", () => {
  it("is asked for by name where it is missing", async () => {
    const error = await failure(resolveTools(["etcd"], options({ PATH: "/nonexistent" })));
    expect(error.details.what).toBe("Go is needed to build the tools, and is not on PATH");
    expect(error.details.why).toContain(
      "etcd 1.2.3 could not be downloaded: DRYDOCK_DOWNLOADS is off",
    );
    expect(error.details.fix).toContain("https://go.dev/doc/install");
  });

  it("is refused before 1.21, which cannot fetch a later toolchain", async () => {
    const folder = temporaryFolder();
    writeExecutable(join(folder, "go"), "#!/bin/sh\necho go1.19.8\n");
    const error = await failure(resolveTools(["etcd"], options({ PATH: folder })));
    expect(error.details.what).toBe("Go is needed to build the tools, and go1.19.8 is too old");
  });

  it("out of space is one clear error", async () => {
    const path = `${fakeGo('[ "$1" = list ] && exit 0; echo "write /x: no space left on device" >&2; exit 1')}:/bin:/usr/bin`;
    const error = await failure(
      resolveTools(["etcd"], options({ PATH: path }, { goDirectory: goModule() })),
    );
    expect(error.details.what).toBe("no space left on the disk");
  });

  it("without a way to the module proxy says where to look", async () => {
    const words = "dial tcp: lookup modules.example: no such host";
    const path = `${fakeGo(`echo "${words}" >&2; exit 1`)}:/bin:/usr/bin`;
    const error = await failure(
      resolveTools(["etcd"], options({ PATH: path }, { goDirectory: goModule() })),
    );
    expect(error.details.why).toContain(words);
    expect(error.details.fix).toContain("go env GOPROXY");
  });
});

describe("several builds", () => {
  const log = () => join(temporaryFolder(), "log");

  it("fetch the modules of the next one while one compiles", async () => {
    const file = log();
    const given = options(
      {
        PATH: `${fakeGo(`
      echo "$1 $(basename "$PWD")" >> ${file}
      [ "$1" = list ] && exit 0
      until grep -q "list containerd" ${file}; do sleep 0.05; done
      echo "the first fails" >&2; exit 1`)}:/bin:/usr/bin`,
      },
      { goDirectory: goModule() },
    );
    mkdirSync(join(given.goDirectory ?? "", "containerd"));
    const releases = [
      release("etcd", "./etcd"),
      { ...release("crane", "./crane"), recipe: "containerd" as const },
    ];
    const error = await failure(resolveTools(["etcd", "crane"], { ...given, releases }));
    expect(error.details.why).toContain("the first fails");
    expect(readFileSync(file, "utf8").trim().split("\n").sort()).toEqual([
      "build etcd",
      "list containerd",
      "list etcd",
    ]);
  });

  it.each([true, false])("give way to everything else if background is %s", async (background) => {
    const file = log();
    const path = `${fakeGo(`nice >> ${file}; exit 1`)}:/bin:/usr/bin`;
    const given = options({ PATH: path }, { goDirectory: goModule(), background });
    await failure(resolveTools(["etcd"], given));
    expect(readFileSync(file, "utf8")).toBe(background ? "19\n" : `${String(getPriority())}\n`);
  });
});

describe("an interrupted build", () => {
  it("ends with all its processes and leaves no entry; the next run succeeds", async () => {
    const pids = join(temporaryFolder(), "pids");
    // A compiler of its own below go, as in a real build.
    const path = `${fakeGo(`sleep 300 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`)}:/bin:/usr/bin`;
    const stop = new AbortController();
    const given = options({ PATH: path }, { goDirectory: goModule() });
    const work = resolveTools(["etcd"], { ...given, signal: stop.signal });
    const outcome = expect(work).rejects.toThrow("SIGINT");
    await eventually(() => existsSync(pids) && readFileSync(pids, "utf8").split("\n").length > 2);
    stop.abort(new Error("SIGINT"));
    await outcome;

    const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
    await eventually(() => !started.some((pid) => isAlive(pid)));
    expect(readdirSync(join(given.cacheDirectory ?? "", "stage"))).toEqual([]);
    expect(existsSync(join(given.cacheDirectory ?? "", "tools"))).toBe(false);
    if (!HAS_GO) return;
    const env = { ...realEnvironment(), DRYDOCK_DOWNLOADS: "off" };
    expect((await resolveTools(["etcd"], { ...given, env })).get("etcd")?.source).toBe("build");
  });
});

describe("commandName", () => {
  it("leaves out a major version", () => {
    expect(commandName("go.etcd.io/etcd/server/v3")).toBe("server");
    expect(commandName("github.com/containerd/containerd/v2/cmd/ctr")).toBe("ctr");
    expect(commandName("./coredns")).toBe("coredns");
  });
});
