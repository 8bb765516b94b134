import type { ImageConfig, ImageRecipe, LayerEntry } from "../../infra/images/recipe";

/** Where the programs lie in the image. */
const DIRECTORY = "app";
/** uid and gid of the server. */
const SERVER_ID = 65532;
/** Every service listens here. */
export const HTTP_PORT = 8080;
export const HEALTH_PATH = "/healthz";

export interface NodeServiceArgs {
  /** Last part of the repository's name, and the folder below apps/. */
  readonly name: string;
  readonly description: string;
  /** Files of `apps/<name>/image`; the first one is started. */
  readonly files: readonly [string, ...string[]];
}

/** An image of a service of this project: Node.js without a shell, and the service's files as they are. */
export function nodeServiceRecipe({ name, description, files }: NodeServiceArgs): ImageRecipe {
  const file = (from: string, path: string): LayerEntry => ({ kind: "file", path, from });
  return {
    name: `drydock/${name}`,
    title: name,
    description,
    licenses: "Apache-2.0 AND MIT",
    base: {
      kind: "registry",
      reference:
        "gcr.io/distroless/nodejs22-debian12:nonroot@sha256:13593b7570658e8477de39e2f4a1dd25db2f836d68a0ba771251572d23bb4f8e",
      fallback: {
        // Debian keeps parts of Node.js in packages of their own, and none of them runs without.
        packages: {
          nodejs: ["usr/bin/node"],
          "node-acorn": ["usr/share/nodejs/"],
          "node-cjs-module-lexer": ["usr/share/nodejs/"],
          "node-undici": ["usr/share/nodejs/"],
        },
        versionPackage: "nodejs",
        files: [
          { kind: "text", path: "etc/passwd", text: passwd() },
          { kind: "text", path: "etc/group", text: `root:x:0:\nnonroot:x:${SERVER_ID}:\n` },
          { kind: "text", path: "etc/nsswitch.conf", text: "hosts: files dns\n" },
          { kind: "directory", path: "tmp", mode: 0o1777 },
        ],
      },
    },
    layers: [
      {
        name: `${name} service`,
        entries: [
          file("apps/node/http.mjs", `${DIRECTORY}/node/http.mjs`),
          ...files.map((one) =>
            file(`apps/${name}/image/${one}`, `${DIRECTORY}/${name}/image/${one}`),
          ),
        ],
      },
    ],
    config: configOf(nodeCommand(name, files[0])),
  };
}

/** Starts a program of a service's folder; the heap has to fit into the container's memory beside it. */
export function nodeCommand(service: string, program: string): string[] {
  return ["node", "--max-old-space-size=40", `/${DIRECTORY}/${service}/image/${program}`];
}

function configOf(entrypoint: readonly string[]): ImageConfig {
  return {
    user: `${SERVER_ID}:${SERVER_ID}`,
    ports: [HTTP_PORT],
    entrypoint,
    // The registry's base and Debian keep node in different places.
    env: { PATH: "/nodejs/bin:/usr/local/bin:/usr/bin:/bin", NODE_ENV: "production" },
  };
}

function passwd(): string {
  const nonroot = `nonroot:x:${SERVER_ID}:${SERVER_ID}:nonroot:/nonexistent:/sbin/nologin`;
  return `root:x:0:0:root:/root:/sbin/nologin\n${nonroot}\n`;
}
