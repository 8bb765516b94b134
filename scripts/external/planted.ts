import type { RenderedResource } from "./terraform";

/** What every scanner must find: a run in which one is blind proves nothing. */
export const PLANTED = "planted";

export const plantedManifest = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${PLANTED}
  namespace: default
spec:
  selector:
    matchLabels:
      app: ${PLANTED}
  template:
    metadata:
      labels:
        app: ${PLANTED}
    spec:
      hostNetwork: true
      containers:
        - name: ${PLANTED}
          image: nginx
          securityContext:
            privileged: true
`;

export const plantedResources: readonly RenderedResource[] = [
  { type: "aws:kms/key:Key", name: PLANTED, inputs: { enableKeyRotation: false } },
  {
    type: "aws:iam/rolePolicy:RolePolicy",
    name: PLANTED,
    inputs: {
      role: PLANTED,
      policy: {
        $json: { Statement: [{ Effect: "Allow", Action: "s3:GetObjekt", Resource: "*" }] },
      },
    },
  },
];
