import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { LoadBalancerCapability } from "../../infra/cluster";
import { appLabels, selectorLabels } from "../labels";
import { serviceUrl } from "../url";
import { siteContent } from "./content";
import { HTTP_PORT } from "./image/recipe";
import { nginxPod } from "./pod";

export interface NginxArgs {
  readonly image: pulumi.Input<string>;
  /** Name of an existing namespace. */
  readonly namespace: string;
  /** 0 keeps the Service and its address. */
  readonly replicas: number;
  /** TCP port of the Service. */
  readonly port: number;
  /** Kubernetes quantities per pod. The memory is request and limit at once. */
  readonly resources: { readonly cpu: string; readonly memory: string };
  /** A rollout that takes longer fails the update; the old pods go on serving. */
  readonly rolloutTimeoutSeconds: number;
  /** undefined: the site answers inside the cluster only. */
  readonly loadBalancer: LoadBalancerCapability | undefined;
  readonly zones: readonly string[];
  /** What must be there before any pod starts, such as the rules of the namespace. */
  readonly after: pulumi.Resource;
}

/** The site on nginx: stateless replicas behind a Service, replaced one by one without a lost request. */
export class Nginx extends pulumi.ComponentResource {
  /** Where the site answers: at the load balancer, else inside the cluster. */
  readonly url: pulumi.Output<string>;

  private readonly metadata: { name: string; namespace: string; labels: Record<string, string> };
  private readonly child: pulumi.CustomResourceOptions;

  constructor(name: string, args: NginxArgs, opts?: pulumi.ComponentResourceOptions) {
    super("drydock:apps:Nginx", name, {}, opts);
    this.metadata = { name, namespace: args.namespace, labels: { ...appLabels(name) } };
    this.child = { parent: this, dependsOn: [args.after] };

    this.admitTraffic(name);
    const content = this.content(name);
    const deployment = this.deployment(name, args, content);
    this.disruptionBudget(name);
    const service = this.service(name, args, deployment);

    const { namespace, port } = args;
    this.url = service.status.apply((status: ServiceStatus | undefined) =>
      serviceUrl({ name, namespace, port }, status?.loadBalancer?.ingress?.[0]),
    );
    this.registerOutputs({ url: this.url });
  }

  /** The namespace denies everything; nginx needs requests at its port, and nothing outwards. */
  private admitTraffic(name: string): void {
    new k8s.networking.v1.NetworkPolicy(
      `${name}-ingress`,
      {
        metadata: this.metadata,
        spec: {
          podSelector: { matchLabels: { ...selectorLabels(name) } },
          policyTypes: ["Ingress"],
          ingress: [{ ports: [{ protocol: "TCP", port: HTTP_PORT }] }],
        },
      },
      this.child,
    );
  }

  /** Named by Pulumi: other content gives another name, and with it a rollout. */
  private content(name: string): k8s.core.v1.ConfigMap {
    const { namespace, labels } = this.metadata;
    return new k8s.core.v1.ConfigMap(
      `${name}-content`,
      { metadata: { namespace, labels }, data: { ...siteContent() }, immutable: true },
      this.child,
    );
  }

  private deployment(
    name: string,
    args: NginxArgs,
    content: k8s.core.v1.ConfigMap,
  ): k8s.apps.v1.Deployment {
    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata: this.metadata, automountServiceAccountToken: false },
      this.child,
    );
    return new k8s.apps.v1.Deployment(
      name,
      {
        metadata: this.metadata,
        spec: {
          replicas: args.replicas,
          selector: { matchLabels: { ...selectorLabels(name) } },
          // One more before one less: the site never has fewer replicas than it should.
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          revisionHistoryLimit: 5,
          progressDeadlineSeconds: args.rolloutTimeoutSeconds,
          template: nginxPod({
            app: name,
            image: args.image,
            serviceAccountName: name,
            content: content.metadata.name,
            resources: args.resources,
            zones: args.zones,
          }),
        },
      },
      {
        ...this.child,
        dependsOn: [args.after, account],
        ...timeouts(args),
      },
    );
  }

  /** Lets a drained node take one pod at a time. */
  private disruptionBudget(name: string): void {
    new k8s.policy.v1.PodDisruptionBudget(
      name,
      {
        metadata: this.metadata,
        spec: {
          maxUnavailable: 1,
          // A pod that never becomes ready must not hold up the drain of its node.
          unhealthyPodEvictionPolicy: "AlwaysAllow",
          selector: { matchLabels: { ...selectorLabels(name) } },
        },
      },
      this.child,
    );
  }

  /** After the pods, so that its address answers as soon as it is known. */
  private service(
    name: string,
    args: NginxArgs,
    deployment: k8s.apps.v1.Deployment,
  ): k8s.core.v1.Service {
    const { port, loadBalancer } = args;
    const { annotations, className } = loadBalancer ?? { annotations: {} };
    return new k8s.core.v1.Service(
      name,
      {
        metadata: { ...this.metadata, annotations: { ...annotations } },
        spec: {
          type: loadBalancer === undefined ? "ClusterIP" : "LoadBalancer",
          ...(className === undefined ? {} : { loadBalancerClass: className }),
          selector: { ...selectorLabels(name) },
          ports: [{ name: "http", protocol: "TCP", port, targetPort: "http" }],
        },
      },
      { ...this.child, dependsOn: [deployment], ...timeouts(args) },
    );
  }
}

/** A load balancer that finds its port taken is no more worth waiting for than a bad image. */
function timeouts(args: NginxArgs): pulumi.CustomResourceOptions {
  const timeout = `${args.rolloutTimeoutSeconds}s`;
  return { customTimeouts: { create: timeout, update: timeout } };
}

/** As it is before the cluster has filled it in: the SDK's type declares every field as present. */
interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { ip?: string; hostname?: string }[] };
}
