/** Where a cluster answers, and by which role. */
export interface KubeconfigArgs {
  readonly clusterName: string;
  readonly region: string;
  /** URL of the API server. */
  readonly endpoint: string;
  /** Base64. */
  readonly certificateAuthority: string;
  /** Assumed for each token, so that it does not matter who asks. */
  readonly roleArn: string;
}

/**
 * A kubeconfig that asks the AWS CLI for a token at each use: it holds no credential, and names no
 * profile of a machine. The same cluster gives the same text, byte by byte: another text would
 * replace the provider.
 */
export function kubeconfig(args: KubeconfigArgs): string {
  const { clusterName: name, region, endpoint: server, roleArn } = args;
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "aws",
    args: [
      ...["--region", region, "eks", "get-token"],
      ...["--cluster-name", name, "--role-arn", roleArn, "--output", "json"],
    ],
    interactiveMode: "Never",
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server, "certificate-authority-data": args.certificateAuthority } },
    ],
    users: [{ name, user: { exec } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  return JSON.stringify(config);
}
