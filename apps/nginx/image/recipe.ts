import type { ImageRecipe, LayerEntry } from "../../../infra/images/recipe";

const FOLDER = "apps/nginx/image";

/** Directory of the image that the site lies in; a volume may be mounted over it. */
export const CONTENT_DIRECTORY = "/usr/share/nginx/html";
/** The page to put into a volume, relative to the project's directory. */
export const INDEX_PAGE = `${FOLDER}/site/index.html`;
export const HTTP_PORT = 8080;
/** uid and gid of the server. */
export const SERVER_ID = 101;
/** preStop command: ends keep-alive connections without breaking a request; takes 4 s. */
export const DRAIN_COMMAND = "/usr/local/bin/drain";
const START_COMMAND = "/usr/local/bin/start";
/** Answers 200 whatever the content directory holds. */
export const HEALTH_PATH = "/healthz";

/** Commands of the fallback base; the registry's base has them, and more, too. */
const COMMANDS = ["cat", "env", "id", "ls", "ps", "rm", "sh", "sleep"];

/**
 * nginx with the project's own small site, for restricted Pod Security: not root, no capability, and
 * all that is written goes to `/tmp`, where a writable volume is needed.
 */
export function nginxRecipe(): ImageRecipe {
  return {
    name: "drydock/nginx",
    title: "nginx",
    description: "nginx with drydock's site, without root and for a read-only root filesystem.",
    licenses: "BSD-2-Clause AND Apache-2.0",
    base: {
      kind: "registry",
      reference:
        "ghcr.io/nginx/nginx-unprivileged:1.30.5-alpine-slim@sha256:3af0c10d960cc2502427fe1219c52989d309e7d65596869c60a34fd2fa2406f0",
      versionVariable: "NGINX_VERSION",
      fallback: {
        packages: {
          nginx: ["usr/sbin/nginx"],
          "nginx-common": ["etc/nginx/mime.types"],
          "busybox-static": ["usr/bin/busybox"],
        },
        versionPackage: "nginx",
        files: [
          { kind: "text", path: "etc/passwd", text: passwd() },
          { kind: "text", path: "etc/group", text: `root:x:0:\nnginx:x:${SERVER_ID}:\n` },
          { kind: "text", path: "etc/nsswitch.conf", text: "hosts: files dns\n" },
          { kind: "directory", path: "tmp", mode: 0o1777 },
          ...COMMANDS.map((name) => ({
            kind: "symlink" as const,
            path: `usr/bin/${name}`,
            target: "busybox",
          })),
        ],
      },
    },
    layers: [
      {
        name: "nginx configuration",
        entries: [
          { kind: "file", path: "etc/nginx/nginx.conf", from: `${FOLDER}/nginx.conf` },
          program(START_COMMAND, "start.sh"),
          program(DRAIN_COMMAND, "drain.sh"),
        ],
      },
      {
        name: "site",
        entries: [{ kind: "folder", path: CONTENT_DIRECTORY.slice(1), from: `${FOLDER}/site` }],
      },
    ],
    config: {
      user: `${SERVER_ID}:${SERVER_ID}`,
      ports: [HTTP_PORT],
      entrypoint: [START_COMMAND],
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      // Answers what it has begun, and then quits; on SIGTERM it would not.
      stopSignal: "SIGQUIT",
    },
  };
}

function program(path: string, from: string): LayerEntry {
  return { kind: "file", path: path.slice(1), from: `${FOLDER}/${from}`, mode: 0o755 };
}

function passwd(): string {
  const nginx = `nginx:x:${SERVER_ID}:${SERVER_ID}:nginx:/nonexistent:/sbin/nologin`;
  return `root:x:0:0:root:/root:/bin/sh\n${nginx}\n`;
}
