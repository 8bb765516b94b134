import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { beforeAll, describe, expect, inject, it } from "vitest";

import { nginxRecipe } from "../../apps/nginx/image/recipe";
import { type BuildOptions, buildImage } from "../../infra/images/build";
import { readArchive } from "../../infra/images/contents";
import type { ImageRecipe, LayerEntry } from "../../infra/images/recipe";
import { describeContents } from "../../infra/images/sbom";
import { debianLicenses } from "../../infra/images/sbom/licenses";
import { defaultCacheDirectory } from "../../toolchain/paths";
import { freshOptions, textRecipe } from "./support";

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly licenses?: readonly object[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Document {
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component; readonly timestamp?: string };
  readonly components: readonly Component[];
}

async function sbomOf(recipe: ImageRecipe, options: BuildOptions = freshOptions()) {
  const { archive, digest } = await buildImage(recipe, options);
  const { text } = describeContents(recipe, await readArchive(archive));
  return { text, digest, document: JSON.parse(text) as Document };
}

const file = (path: string, text: string): LayerEntry => ({ kind: "text", path, text });
const filesRecipe = (...entries: LayerEntry[]) =>
  textRecipe("", { layers: [{ name: "files", entries }] });
const valid = (text: string) => new JsonStrictValidator(Version.v1dot6).validate(text);

describe("the SBOM of nginx's image", () => {
  let text: string;
  let document: Document;
  let packages: readonly Component[];

  beforeAll(async () => {
    const crane = `${inject("binaries")}/crane`;
    const options = { cacheDirectory: defaultCacheDirectory(process.env), crane };
    ({ text, document } = await sbomOf(nginxRecipe(), options));
    packages = document.components.filter(({ type }) => type === "library");
  });

  it("is valid CycloneDX 1.6", async () => {
    expect(await valid(text)).toBeNull();
    // What the validator would say of another text.
    expect(await valid(text.replace('"container"', '"vessel"'))).not.toBeNull();
  });

  it("names each package with version, licence and package URL", () => {
    expect(packages.length).toBeGreaterThan(5);
    expect(packages.map(({ name }) => name)).toContain("nginx");
    for (const { name, version = "", purl, licenses } of packages) {
      const [, type, namespace] = /^pkg:(deb|apk)\/(debian|ubuntu|alpine)\//.exec(purl ?? "") ?? [];
      expect(type, purl).toBeDefined();
      expect(purl).toContain(`/${namespace ?? ""}/${name}@`);
      expect(decodeURIComponent(purl ?? "")).toContain(`@${version}?`);
      expect(purl).toMatch(/[?&]distro=[a-z]+-\d/);
      // Whose copyright file is prose only.
      if (name !== "libcrypt1") expect(licenses?.length, name).toBeGreaterThan(0);
    }
  });

  it("has the checksum of each Debian package, and of each file of the app's own", () => {
    const debian = packages.filter(({ purl }) => purl?.startsWith("pkg:deb/"));
    const files = document.components.filter(({ type }) => type === "file");
    expect(files.map(({ name }) => name)).toEqual([
      "/etc/nginx/nginx.conf",
      "/usr/local/bin/drain",
      "/usr/local/bin/start",
      "/usr/share/nginx/html/index.html",
    ]);
    for (const { hashes } of [...debian, ...files]) {
      expect(hashes?.map(({ alg }) => alg)).toEqual(["SHA-256"]);
      expect(hashes?.[0]?.content).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe("an SBOM", () => {
  it("is the same for equal images, without a date, and names the image", async () => {
    const [one, two, other] = await Promise.all([
      sbomOf(textRecipe("a")),
      sbomOf(textRecipe("a")),
      sbomOf(textRecipe("b")),
    ]);
    expect(two.text).toBe(one.text);
    expect(one.document.metadata.timestamp).toBeUndefined();
    expect(one.document.metadata.component.version).toBe(one.digest);
    expect(other.document.serialNumber).not.toBe(one.document.serialNumber);
    expect(await valid(one.text)).toBeNull();
  });

  it("reads the databases of apk and dpkg, and leaves out what was removed", async () => {
    const apk =
      "P:musl\nV:1.2.5-r1\nA:x86_64\nL:MIT\nU:https://musl.libc.org/\n\nP:zlib\nV:1.3-r2\nA:x86_64\nL:Zlib AND MIT\n";
    const dpkg = [
      "Package: kept\nStatus: install ok installed\nVersion: 1:2-3\nArchitecture: all",
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all",
    ];
    const { text, document } = await sbomOf(
      filesRecipe(
        file("etc/os-release", 'ID=alpine\nVERSION_ID="3.22.1"\n'),
        file("lib/apk/db/installed", apk),
        file("var/lib/dpkg/status", `${dpkg.join("\n\n")}\n`),
      ),
    );
    expect(await valid(text)).toBeNull();
    const found = document.components.filter(({ type }) => type === "library");
    expect(found.map(({ name, purl }) => [name, purl])).toEqual([
      ["musl", "pkg:apk/alpine/musl@1.2.5-r1?arch=x86_64&distro=alpine-3.22.1"],
      ["zlib", "pkg:apk/alpine/zlib@1.3-r2?arch=x86_64&distro=alpine-3.22.1"],
      ["kept", "pkg:deb/alpine/kept@1:2-3?arch=all&distro=alpine-3.22.1"],
    ]);
    expect(found.map(({ licenses }) => licenses)).toEqual([
      [{ license: { id: "MIT", acknowledgement: "declared" } }],
      [{ expression: "Zlib AND MIT", acknowledgement: "declared" }],
      undefined,
    ]);
  });

  it("goes by what a container sees: an upper layer hides and replaces", async () => {
    const layer = (name: string, ...entries: LayerEntry[]) => ({ name, entries });
    const { document } = await sbomOf(
      textRecipe("", {
        layers: [
          layer(
            "lower",
            file("a/one", "1"),
            file("a/two", "2"),
            file("b/old", "3"),
            file("c", "4"),
          ),
          layer("upper", file("a/.wh.one", ""), file("b/.wh..wh..opq", ""), file("c", "5")),
        ],
      }),
    );
    expect(document.components.map(({ name }) => name)).toEqual(["/a/two", "/c"]);
  });
});

describe("the licences of a Debian package", () => {
  it.each([
    [
      "Format: x\n\nFiles: *\nLicense: BSD-2-clause\n\nFiles: b\nLicense: Expat\n",
      ["BSD-2-Clause", "MIT"],
    ],
    [
      "Format: x\n\nLicense: GPL-2+\n text\n\nLicense: LGPL-2.1\n",
      ["GPL-2.0-or-later", "LGPL-2.1-only"],
    ],
    ["Format: x\n\nLicense: GPL-2+ or Artistic\n", ["GPL-2+ or Artistic"]],
    ["On Debian systems, see /usr/share/common-licenses/Apache-2.0.\n", ["Apache-2.0"]],
    ["On Debian systems, see `/usr/share/common-licenses/GPL-3'.\n", ["GPL-3.0-only"]],
    ["Nobody knows.\n", []],
  ])("%j", (copyright, licenses) => {
    expect(debianLicenses(copyright)).toEqual(licenses);
  });
});
