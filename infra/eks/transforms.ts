import type * as pulumi from "@pulumi/pulumi";

/**
 * What @pulumi/eks cannot say of its cluster: its creator is no administrator by having created it.
 * The engine hands each child of the component to this function; the deploying role gets an access
 * entry like everybody else. Counts at the creation of a cluster only.
 */
export const closedToCreator: pulumi.ResourceTransform = ({ type, props, opts }) => {
  if (type !== "aws:eks/cluster:Cluster") return undefined;
  const accessConfig = props.accessConfig as object | undefined;
  return {
    props: {
      ...props,
      accessConfig: { ...accessConfig, bootstrapClusterCreatorAdminPermissions: false },
    },
    opts,
  };
};
