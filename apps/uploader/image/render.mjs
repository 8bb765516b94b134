// Calls the renderer by the name of its Service. Each call is a connection of its own, so that the Service
// chooses a pod for each: pods come and go, and none of them is known here.
import { request } from "node:http";

import { HttpError } from "../../node/http.mjs";

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 3;
/** Larger than any page that comes of the largest file. */
const LIMIT = 8 * 1024 * 1024;
const UNREACHED = ["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EAI_AGAIN"];

/**
 * @typedef {object} Rendered
 * @property {string} html
 * @property {string} by name of the pod that did it
 */

/**
 * Rendering changes nothing, so that a call that did not reach a pod is made again.
 * @param {string} url of the renderer
 * @param {Buffer} text
 * @returns {Promise<Rendered>}
 * @throws {HttpError} 502 where it answers no or not at all, 504 where it takes too long
 */
export async function render(url, text) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(url, text);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
      if (attempt < ATTEMPTS && UNREACHED.includes(code ?? "")) continue;
      throw new HttpError(502, `The file is stored; the renderer does not answer: ${message}`);
    }
  }
}

/**
 * @param {string} url
 * @param {Buffer} text
 * @returns {Promise<Rendered>}
 */
function call(url, text) {
  return new Promise((resolve, reject) => {
    const late = new HttpError(504, "The file is stored; the renderer took too long.");
    const outgoing = request(new URL("/render", url), {
      method: "POST",
      agent: false,
      headers: { "content-type": "text/markdown", "content-length": text.length },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    outgoing.on("error", (error) => reject(error.name === "AbortError" ? late : error));
    outgoing.on("response", (response) => {
      let html = "";
      response.setEncoding("utf8");
      response.on("data", (/** @type {string} */ part) => {
        html += part;
        if (html.length > LIMIT) outgoing.destroy(new Error("its answer is too large"));
      });
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        if (statusCode === 200) resolve({ html, by: String(headers["x-rendered-by"]) });
        else reject(new HttpError(502, `The file is stored; the renderer said ${statusCode}.`));
      });
    });
    outgoing.end(text);
  });
}
