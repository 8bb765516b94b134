import type { ImageRecipe } from "../../../infra/images/recipe";
import { nodeServiceRecipe } from "../../node/base";

export function rendererRecipe(): ImageRecipe {
  return nodeServiceRecipe({
    name: "renderer",
    description: "Turns Markdown into pages.",
    files: ["main.mjs", "server.mjs", "markdown.mjs"],
  });
}
