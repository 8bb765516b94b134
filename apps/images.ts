import type { ImageRecipe } from "../infra/images/recipe";
import { nginxRecipe } from "./nginx/image/recipe";

/** The images of the apps, by the name under which `cluster.image()` gets them. */
export const appImages = {
  nginx: nginxRecipe,
} satisfies Readonly<Record<string, () => ImageRecipe>>;
