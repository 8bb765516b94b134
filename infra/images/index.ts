export { buildImage, type BuildOptions } from "./build";
export { ImageError, type ImageProblem } from "./errors";
export { hashRecipeInputs } from "./hash";
export type * from "./recipe";
export { findArchive, type BuiltImage } from "./store";
export { corednsRecipe, pauseRecipe, COREDNS_PORT } from "./system";
