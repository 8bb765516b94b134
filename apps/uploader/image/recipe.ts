import type { ImageRecipe } from "../../../infra/images/recipe";
import { nodeCommand, nodeServiceRecipe } from "../../node/base";

/** Starts the sidecar, which is in the same image. */
export const JOURNAL_COMMAND = nodeCommand("uploader", "journal-main.mjs");
export const JOURNAL_PORT = 8081;

export function uploaderRecipe(): ImageRecipe {
  return nodeServiceRecipe({
    name: "uploader",
    description: "Takes texts, stores them and has pages made of them.",
    files: [
      "main.mjs",
      "server.mjs",
      "token.mjs",
      "store.mjs",
      "render.mjs",
      "journal-main.mjs",
      "journal.mjs",
    ],
  });
}
