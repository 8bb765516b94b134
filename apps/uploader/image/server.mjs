// Takes texts, stores them and lets the renderer make pages of them.
//   PUT or POST /files/<name>   stores, renders; 201 for a new file, 200 for another content; with the token,
//                               where there is one, as `Authorization: Bearer`
//   GET /files                  names
//   GET /files/<name>           the text
//   GET /pages/<name>           the page
//   GET /uploads                how many uploads its sidecar has shipped
import { appendFile } from "node:fs/promises";
import { join } from "node:path";

import { HttpError, httpServer, json, readBody, textOf } from "../../node/http.mjs";
import { render } from "./render.mjs";
import { checkName, JOURNAL, Store } from "./store.mjs";
import { checkToken } from "./token.mjs";

/** Bytes of a file. */
const LIMIT = 256 * 1024;
const MOST_FILES = 1000;
/** A page shows, and neither runs nor loads anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The sidecar: containers of a pod have one address. */
const SIDECAR_URL = "http://localhost:8081";

/**
 * @typedef {object} Settings
 * @property {string} directory of files and pages
 * @property {string} journalDirectory shared with the sidecar
 * @property {string} rendererUrl
 * @property {string} [sidecarUrl]
 * @property {string} [tokenFile] what whoever stores has to show; default: nothing
 */

/** @param {Settings} settings */
export function uploader({
  directory,
  journalDirectory,
  rendererUrl,
  sidecarUrl = SIDECAR_URL,
  tokenFile,
}) {
  const store = new Store(directory, MOST_FILES);

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {string} name
   */
  async function upload(request, name) {
    if (tokenFile !== undefined) await checkToken(request, tokenFile);
    const body = await readBody(request, LIMIT);
    textOf(body);
    const isNew = await store.put(name, body);
    const { html, by } = await render(rendererUrl, body);
    await store.putPage(name, html);
    const line = { at: new Date().toISOString(), uploaded: name, bytes: body.length, by };
    await appendFile(join(journalDirectory, JOURNAL), `${JSON.stringify(line)}\n`);
    return json(isNew ? 201 : 200, {
      name,
      bytes: body.length,
      page: `/pages/${name}`,
      renderedBy: by,
    });
  }

  return httpServer(async (request, path) => {
    const method = request.method ?? "GET";
    if (path === "/readyz") {
      await store.check();
      return { status: 200, type: "text/plain", body: "ready\n" };
    }
    if (path === "/uploads") {
      allow(method, "GET");
      return json(200, await shipped(sidecarUrl));
    }
    const [, folder, name, ...more] = path.split("/");
    if (folder === "files" && (name === undefined || name === "")) {
      allow(method, "GET", "HEAD");
      return json(200, { files: await store.list() });
    }
    if ((folder !== "files" && folder !== "pages") || name === undefined || more.length > 0) {
      throw new HttpError(404, "There are /files, /files/<name>, /pages/<name> and /uploads.");
    }
    checkName(name);
    if (folder === "pages") {
      allow(method, "GET", "HEAD");
      const headers = { "content-security-policy": POLICY };
      return {
        status: 200,
        type: "text/html; charset=utf-8",
        body: await store.getPage(name),
        headers,
      };
    }
    allow(method, "GET", "HEAD", "PUT", "POST");
    if (method === "PUT" || method === "POST") return await upload(request, name);
    return { status: 200, type: "text/plain; charset=utf-8", body: await store.get(name) };
  });
}

/**
 * @param {string} url
 * @returns {Promise<unknown>}
 * @throws {HttpError} 502
 */
async function shipped(url) {
  try {
    const answer = await fetch(`${url}/shipped`, { signal: AbortSignal.timeout(5_000) });
    return await answer.json();
  } catch (error) {
    throw new HttpError(502, `The sidecar does not answer: ${String(error)}.`);
  }
}

/**
 * @param {string} method
 * @param {readonly string[]} allowed
 * @throws {HttpError} 405
 */
function allow(method, ...allowed) {
  if (allowed.includes(method)) return;
  throw new HttpError(405, `${method} is not possible here.`, { allow: allowed.join(", ") });
}
