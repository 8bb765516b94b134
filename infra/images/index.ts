export { buildImage, type BuildOptions } from "./build";
export { ImageError, type ImageProblem } from "./errors";
export { hashRecipeInputs } from "./hash";
export type * from "./recipe";
export { findArchive, type BuiltImage } from "./store";
export {
  corednsRecipe,
  COREDNS_PORT,
  localPathProvisionerRecipe,
  metricsServerRecipe,
  pauseRecipe,
} from "./system";
