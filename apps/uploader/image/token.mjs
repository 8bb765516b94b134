// Who may store: whoever shows the token.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";

import { HttpError, log } from "../../node/http.mjs";

/**
 * The file is read each time: whoever mounts it may have put another value there.
 * @param {import("node:http").IncomingMessage} request
 * @param {string} file
 * @throws {HttpError} 401 without the token, 503 where there is none to compare with
 */
export async function checkToken(request, file) {
  const [, shown = ""] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (timingSafeEqual(digest(shown), digest(await readToken(file)))) return;
  throw new HttpError(401, "Storing needs the token, as `Authorization: Bearer <token>`.", {
    "www-authenticate": "Bearer",
  });
}

/** @param {string} file */
async function readToken(file) {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (token !== "") return token;
  } catch (error) {
    log({ error: String(error) });
  }
  throw new HttpError(503, "The token cannot be read, so that nobody may store.");
}

/**
 * Equally long, whatever is shown: the time of the comparison tells nothing.
 * @param {string} text
 */
function digest(text) {
  return createHash("sha256").update(text).digest();
}
