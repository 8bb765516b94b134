import { runUntilTold } from "../../node/http.mjs";
import { uploader } from "./server.mjs";

const { DATA_DIRECTORY, JOURNAL_DIRECTORY, RENDERER_URL, TOKEN_FILE } = process.env;
if (!DATA_DIRECTORY || !JOURNAL_DIRECTORY || !RENDERER_URL) {
  throw new Error("DATA_DIRECTORY, JOURNAL_DIRECTORY and RENDERER_URL have to be set.");
}
runUntilTold(
  uploader({
    directory: DATA_DIRECTORY,
    journalDirectory: JOURNAL_DIRECTORY,
    rendererUrl: RENDERER_URL,
    ...(TOKEN_FILE && { tokenFile: TOKEN_FILE }),
  }),
  8080,
);
