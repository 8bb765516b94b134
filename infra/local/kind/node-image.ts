import { LocalClusterError } from "../runtime/errors";

/**
 * The node image by Kubernetes minor, pinned by digest. The image of a kind release is made for that
 * release: these are those of the pinned kind (toolchain/tools.ts), as its own source names them.
 */
const NODE_IMAGES: Readonly<Record<string, { version: string; image: string }>> = {
  "1.36": {
    version: "1.36.1",
    image:
      "kindest/node:v1.36.1@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5",
  },
};

/** @throws LocalClusterError for a minor that this kind has no image of */
export function nodeImage(minor: string): { readonly version: string; readonly image: string } {
  const found = NODE_IMAGES[minor];
  if (found !== undefined) return found;
  throw new LocalClusterError(`kind has no node of Kubernetes ${minor} here`, {
    why: `the pinned release of kind brings ${Object.keys(NODE_IMAGES).join(", ")}`,
    fix: "change cluster.kubernetesVersion, or set cluster.engine to native",
  });
}
