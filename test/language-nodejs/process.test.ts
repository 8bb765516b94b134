import { afterEach, expect, test } from "vitest";

import { type Child, Children } from "../../toolchain/language-nodejs/process";

const children = new Children();
const options = { cwd: process.cwd(), env: process.env };
const shell = (script: string): Promise<Child> => children.start("sh", ["-c", script], options);

afterEach(() => children.shutdown());

async function textOf(child: Child): Promise<string> {
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr.resume();
  await child.exited;
  return text;
}

test("all output is read when the end is reported", async () => {
  const text = await textOf(await shell("head -c 3000000 /dev/zero | tr '\\0' x; exit 4"));
  expect(text).toHaveLength(3_000_000);
});

test("exit codes and signals are told apart", async () => {
  expect(await (await shell("exit 4")).exited).toEqual({ code: 4, signal: null });
  expect(await (await shell("kill -s TERM $$")).exited).toEqual({ code: null, signal: "SIGTERM" });
});

test("stdin is empty, so that a child which reads it goes on", async () => {
  expect(await textOf(await shell("cat; echo end"))).toBe("end\n");
});

test("a command that does not exist is named, with the folder", async () => {
  await expect(children.start("no-such-command", [], options)).rejects.toThrow(
    `could not start no-such-command in ${process.cwd()}: it was not found on PATH`,
  );
});

test("a stop interrupts the whole group and leaves time to clean up", async () => {
  // The shell acts on the signal only when the command it waits for has ended by it too.
  const child = await shell(
    "trap 'sleep 0.3; echo cleaned; exit 0' INT; (echo ready; exec sleep 30)",
  );
  const text = textOf(child);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await child.stop();
  expect(child.stopped).toBe(true);
  expect(await text).toBe("ready\ncleaned\n");
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test("what ignores the interrupt is killed after the grace", async () => {
  const child = await shell("trap '' INT; echo ready; while :; do sleep 1; done");
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const start = Date.now();
  await child.stop(500);
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(Date.now() - start).toBeGreaterThanOrEqual(450);
});

test("a stop after the end leaves alone what the child left behind", async () => {
  const child = await shell("sleep 30 >/dev/null 2>&1 & echo $!");
  const sleeper = Number(await textOf(child));
  await child.stop();
  expect(process.kill(sleeper, 0)).toBe(true);
  process.kill(sleeper, "SIGKILL");
});
