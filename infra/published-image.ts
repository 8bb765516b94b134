import * as pulumi from "@pulumi/pulumi";

export interface PublishedImageArgs {
  /** Host and optional path of a registry, such as `ghcr.io/me`. */
  readonly registry: string;
  /** An ImageRecipe as JSON; its name is that of the repository. */
  readonly recipe: string;
  /** Hash over the files that the recipe names. */
  readonly sourceHash: string;
}

/**
 * An image built where Pulumi runs and pushed to a registry with the credentials of `docker login`, by
 * this project's own plugin.
 */
export class PublishedImage extends pulumi.CustomResource {
  /** `registry/name@sha256:…`. */
  declare readonly reference: pulumi.Output<string>;

  constructor(name: string, args: PublishedImageArgs, opts: pulumi.CustomResourceOptions) {
    const outputs = { reference: undefined, base: undefined };
    super("drydock:images:Published", name, { ...args, ...outputs }, opts);
  }
}
