import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readTar, writeTar, type TarEntry } from "../../infra/images/tar";

const file = (path: string, content: string, mode = 0o644): TarEntry => ({
  kind: "file",
  path,
  mode,
  data: Buffer.from(content),
});

describe("writeTar", () => {
  it("gives the same bytes whatever the order of the entries", () => {
    const entries = [file("b", "two"), file("a", "one"), file("a-b", ""), file("a/b", "three")];
    expect(writeTar(entries.toReversed())).toEqual(writeTar(entries));
  });

  it("keeps the later of two entries with the same path", async () => {
    expect(await readTar(writeTar([file("a", "old"), file("a", "new")]))).toEqual([
      file("a", "new"),
    ]);
  });

  it("is read by the system's tar, as root's and dated to the epoch", () => {
    const long = `${"directory/".repeat(30)}file`;
    const archive = writeTar([
      file("bin/tool", "#!", 0o755),
      file(long, "x"),
      { kind: "directory", path: "tmp", mode: 0o1777 },
      { kind: "symlink", path: "sh", target: "bin/tool" },
    ]);
    const listing = execFileSync(
      "tar",
      ["tv", "--utc", "--numeric-owner", "--quoting-style=escape"],
      {
        input: archive,
        encoding: "utf8",
      },
    );
    expect(listing.trim().split("\n")).toEqual([
      "-rwxr-xr-x 0/0               2 1970-01-01 00:00 bin/tool",
      `-rw-r--r-- 0/0               1 1970-01-01 00:00 ${long}`,
      "lrwxrwxrwx 0/0               0 1970-01-01 00:00 sh -> bin/tool",
      "drwxrwxrwt 0/0               0 1970-01-01 00:00 tmp/",
    ]);
  });

  it("loses nothing that readTar gives back, names longer than a header included", async () => {
    const name = fc.stringMatching(/^[a-z0-9_é-]{1,120}$/);
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const data = fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes));
    const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o1777);
    const entry: fc.Arbitrary<TarEntry> = fc.oneof(
      fc.record({ kind: fc.constant("file" as const), path, mode, data }),
      fc.record({ kind: fc.constant("directory" as const), path, mode }),
      fc.record({ kind: fc.constant("symlink" as const), path, target: path }),
    );
    const entries = fc.uniqueArray(entry, {
      selector: (one) => one.path,
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(entries, async (written) => {
        const byPath = (a: TarEntry, b: TarEntry) => (a.path < b.path ? -1 : 1);
        expect(await readTar(writeTar(written))).toEqual(written.toSorted(byPath));
      }),
    );
  });
});
