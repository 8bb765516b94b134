import type { ImageRecipe } from "../infra/images/recipe";
import { nginxRecipe } from "./nginx/image/recipe";
import { rendererRecipe } from "./renderer/image/recipe";
import { uploaderRecipe } from "./uploader/image/recipe";

/** The images of the apps, by the name under which `cluster.image()` gets them. */
export const appImages = {
  nginx: nginxRecipe,
  renderer: rendererRecipe,
  uploader: uploaderRecipe,
} satisfies Readonly<Record<string, () => ImageRecipe>>;
