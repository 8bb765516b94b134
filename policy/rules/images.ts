import type { Field, Finding } from "../field";
import { like } from "../logic";
import type { Stack } from "../resource";
import { flag, rule, texts } from "../rule";
import { containers, POD_OWNERS, podsOf } from "../views/pods";

const applies = POD_OWNERS;

/**
 * Judged over the whole stack: the reference of an image that the program builds is known only after the
 * build, and a finding then must not stop an update half-way.
 */
function* everyContainer(stack: Stack, judge: (container: Field) => Iterable<Finding>) {
  for (const pod of podsOf(stack)) for (const one of containers(pod)) yield* judge(one);
}

export const images = [
  rule({
    id: "image-tag-fixed",
    title: "Every image has a tag other than latest, or a digest.",
    severity: "high",
    applies,
    why: "A restarted pod may run another program than its neighbours, and no roll-back is possible.",
    references: ["CKV_K8S_14", "Kyverno disallow-latest-tag", "Polaris tagNotSpecified"],
    fix: "Set containers[].image to name:tag, or name@sha256:digest.",
    *checkStack(stack) {
      yield* everyContainer(stack, (container) =>
        container
          .at("image")
          .must(
            (image) => typeof image === "string" && isFixed(image),
            "must have a tag other than latest",
          ),
      );
    },
  }),
  rule({
    id: "image-digest-pinned",
    title: "Every image is pinned by its digest.",
    severity: "medium",
    applies,
    why: "A tag can be moved to another image; a digest cannot.",
    references: ["CKV_K8S_43"],
    fix: "Set containers[].image to name@sha256:digest; cluster.image() gives such a reference.",
    *checkStack(stack) {
      const pinned = like(/@sha256:[0-9a-f]{64}$/);
      yield* everyContainer(stack, (container) =>
        container.at("image").must(pinned, "must end with @sha256: and a digest"),
      );
    },
  }),
  rule({
    id: "image-pull-always",
    title: "An image that can change is pulled at each start.",
    severity: "low",
    applies,
    why: "A node would go on with the image it has, and give it to pods that may not pull it.",
    references: ["CKV_K8S_15", "kube-score container-image-pull-policy"],
    fix: "Set containers[].imagePullPolicy to Always, or pin the image by its digest.",
    parameters: {
      unlessPinned: flag(true, "Whether an image with a digest may stay on the node."),
    },
    *checkStack(stack, { unlessPinned }) {
      yield* everyContainer(stack, (container) => {
        const image = container.at("image");
        if (image.isUnknown || (unlessPinned && image.text?.includes("@sha256:"))) return [];
        return container.at("imagePullPolicy").mustBe("Always");
      });
    },
  }),
  rule({
    id: "image-registry-allowed",
    title: "Every image comes from an approved registry.",
    severity: "high",
    applies,
    why: "Anybody can publish an image on a public registry, under a name that looks right.",
    references: ["CIS EKS 5.1.4", "Kyverno restrict-image-registries"],
    fix: "Set containers[].image to one of an approved registry, or add the registry to the stack's configuration.",
    parameters: {
      registries: texts([], "Beginnings of references; * is any text without a slash. Empty: all."),
    },
    *checkStack(stack, { registries }) {
      if (registries.length === 0) return;
      const approved = registries.map(beginning);
      const isApproved = (image: unknown) => approved.some((one) => like(one)(image));
      yield* everyContainer(stack, (container) =>
        container.at("image").must(isApproved, "must begin with an approved registry"),
      );
    },
  }),
] as const;

function isFixed(image: string): boolean {
  if (image.includes("@sha256:")) return true;
  // A colon before the last slash belongs to the registry's port.
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag !== undefined && tag !== "latest";
}

function beginning(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]*")}`);
}
