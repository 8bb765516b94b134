// Turns Markdown into a page: POST /render with the text as body.
import { HttpError, httpServer, podName, readBody, textOf } from "../../node/http.mjs";
import { page } from "./markdown.mjs";

/** Bytes of a text. */
const LIMIT = 256 * 1024;

/** The page that comes back is shown by browsers: nothing in it may run or load anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function renderer() {
  return httpServer(async (request, path) => {
    if (path !== "/render") throw new HttpError(404, "There is POST /render, and nothing else.");
    if (request.method !== "POST") {
      throw new HttpError(405, "Send the text by POST.", { allow: "POST" });
    }
    const text = textOf(await readBody(request, LIMIT));
    return {
      status: 200,
      type: "text/html; charset=utf-8",
      body: page(text, podName),
      headers: { "x-rendered-by": podName, "content-security-policy": POLICY },
    };
  });
}
