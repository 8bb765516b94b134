import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { WorkloadArgs } from "./args";
import type { ContainerShapes, PortOf } from "./container";
import { type PlainArgs, withDefaults } from "./defaults";
import { readingGrants } from "./external-secret";
import {
  type Entry,
  healthPath,
  type IngressAddress,
  ingressAnnotations,
  ingressSpec,
  ingressUrl,
} from "./ingress";
import { type Labels, selectorLabels, workloadLabels } from "./labels";
import { type Endpoint, networkPolicy } from "./network";
import { podTemplate } from "./pod";
import * as specs from "./specs";
import { seconds } from "./units";
import { serviceUrl } from "./url";
import { isPerReplica, type MadeVolumes, makeVolumes } from "./volume";

export type { Autoscaling, IdentityRequest, Place, ServiceArgs, WorkloadArgs } from "./args";
export { type Check, type Container, POD_NAME } from "./container";
export type { ExternalSecret } from "./external-secret";
export type { IngressArgs } from "./ingress";
export type { Endpoint } from "./network";
export { AppSecret } from "./secret";
export type { Cpu, Duration, Memory } from "./units";

/**
 * Pods that serve, and all that belongs to them: Deployment or StatefulSet, account, disruption budget,
 * network policy, and on request Service, autoscaler, ConfigMaps and claims. What is not said is secure
 * and highly available; what the cluster offers decides on load balancer, storage and spread.
 */
export class Workload<
  const Main extends ContainerShapes,
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- no sidecar has no port
  const Side extends ContainerShapes = {},
  const Name extends string = never,
>
  extends pulumi.ComponentResource
{
  /** Where it answers: at its ingress, else its first port at the load balancer or inside the cluster; "" without a Service. */
  readonly url: pulumi.Output<string>;

  private readonly name: string;
  private readonly args: PlainArgs;
  private readonly kind: "Deployment" | "StatefulSet";
  private readonly ports: readonly specs.ServicePort[];
  private readonly entry: Entry | undefined;
  private readonly selector: Labels;
  private readonly metadata: { name: string; namespace: string; labels: Record<string, string> };
  private readonly child: pulumi.CustomResourceOptions;

  /** @throws RunError where it needs what the cluster does not have */
  constructor(
    name: string,
    args: WorkloadArgs<Main, Side, Name>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:apps:Workload", name, {}, opts);
    const { namespace } = args.place;
    this.name = name;
    this.args = withDefaults(args);
    this.kind = Object.values(this.args.volumes).some(isPerReplica) ? "StatefulSet" : "Deployment";
    this.ports = Object.entries(this.args.ports).map(([key, port]) => ({ name: key, port }));
    this.entry = this.findEntry();
    this.selector = selectorLabels(name);
    this.metadata = { name, namespace: namespace.namespace, labels: { ...workloadLabels(name) } };
    this.child = { parent: this, dependsOn: [namespace] };

    this.trafficRules();
    const pods = this.pods(this.volumes());
    this.disruptionBudget();
    this.autoscaler(pods);
    const service = this.service(pods);
    this.url = this.ingress(service) ?? this.serviceUrl(service);
    this.registerOutputs({ url: this.url });
  }

  /**
   * A port of its Service, for a workload that calls it.
   * @throws Error where the Service does not have the port
   */
  endpoint(port: PortOf<Main> | PortOf<Side>): Endpoint {
    const { name, selector } = this;
    const { namespace } = this.metadata;
    const key: string = port;
    const served = this.ports.find((one) => one.name === key);
    if (served === undefined) throw new Error(`The Service of ${name} has no port ${key}.`);
    const url = serviceUrl({ name, namespace, port: served.port }, undefined);
    return { namespace, selector, targetPort: this.containerPort(key), url };
  }

  private containerPort(name: string): number {
    const { containers, sidecars } = this.args;
    const ports = Object.values({ ...sidecars, ...containers }).map((one) => one.ports ?? {});
    const found = ports.find((one) => name in one)?.[name];
    if (found === undefined) throw new Error(`No container of ${this.name} has a port ${name}.`);
    return found;
  }

  private findEntry(): Entry | undefined {
    const { place, ingress, containers, sidecars } = this.args;
    if (ingress === undefined) return undefined;
    const { port } = ingress;
    if (!this.ports.some(({ name }) => name === port)) {
      throw new Error(`The Service of ${this.name} has no port ${port}, which its ingress needs.`);
    }
    const { ingress: capability } = place.capabilities;
    if (capability === undefined) {
      const what = `The cluster has no ingress controller: ${this.name} has no entry there`;
      void pulumi.log.warn(`${what}, and is where it would be without one.`, this);
      return undefined;
    }
    return { ...ingress, capability, healthPath: healthPath({ ...sidecars, ...containers }, port) };
  }

  private trafficRules(): void {
    const { identity, place } = this.args;
    const { entry } = this;
    const spec = networkPolicy({
      selector: this.selector,
      callers: this.args.from,
      ports: this.ports.map(({ name }) => this.containerPort(name)),
      entry: entry && {
        port: this.containerPort(entry.port),
        sources: entry.capability.sources,
      },
      reaches: this.args.reaches,
      outside: identity === undefined ? [] : (place.capabilities.podIdentity?.reaches ?? []),
    });
    new k8s.networking.v1.NetworkPolicy(this.name, { metadata: this.metadata, spec }, this.child);
  }

  private volumes(): MadeVolumes {
    const { place, protect, volumes } = this.args;
    const { namespace, labels } = this.metadata;
    const { storageClass, externalSecrets } = place.capabilities;
    const offered = { storageClass, externalSecrets };
    const context = { workload: this.name, namespace, labels, ...offered, protect };
    const made = makeVolumes(volumes, { ...context, child: this.child });
    for (const volume of made.lost) {
      const what = "the cluster has no StorageClass, so that its data go with its pod";
      void pulumi.log.warn(`The volume ${volume} is an emptyDir: ${what}.`, this);
    }
    return made;
  }

  /** One role for what the app does itself, and for what is read on its behalf into its volumes. */
  private identity(): pulumi.Resource[] {
    const { place, identity, volumes } = this.args;
    const reading = readingGrants(volumes);
    const grants = [...(identity?.grants ?? []), ...reading];
    if (grants.length === 0) return [];
    const optional = identity?.optional === true && reading.length === 0;
    const { name: serviceAccount, namespace } = this.metadata;
    return place.identity(this.name, { namespace, serviceAccount, grants, optional });
  }

  private pods(volumes: MadeVolumes): pulumi.Resource {
    const { name, kind, args, selector } = this;
    const metadata = { ...this.metadata, ...args.annotations };
    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata: this.metadata, automountServiceAccountToken: false },
      this.child,
    );
    const { zones } = args.place.capabilities;
    const served = this.ports.map((one) => one.name);
    const template = podTemplate({ ...args, workload: name, kind, made: volumes, served, zones });
    const pods = { replicas: args.replicas, selector, template };
    const dependsOn = [args.place.namespace, account, ...this.identity()];
    const options = { ...this.child, dependsOn, ...this.timeouts() };
    if (kind === "Deployment") {
      const spec = specs.deploymentSpec({ ...pods, rolloutTimeout: args.rolloutTimeout });
      return new k8s.apps.v1.Deployment(name, { metadata, spec }, options);
    }
    const spec = specs.statefulSetSpec({ ...pods, serviceName: this.headlessService(), volumes });
    return new k8s.apps.v1.StatefulSet(
      name,
      { metadata, spec },
      { ...options, protect: args.protect },
    );
  }

  private headlessService(): string {
    const name = `${this.name}-headless`;
    const spec = specs.headlessServiceSpec(this.selector, this.ports);
    new k8s.core.v1.Service(name, { metadata: { ...this.metadata, name }, spec }, this.child);
    return name;
  }

  private disruptionBudget(): void {
    const spec = specs.disruptionBudgetSpec(this.selector);
    new k8s.policy.v1.PodDisruptionBudget(this.name, { metadata: this.metadata, spec }, this.child);
  }

  private autoscaler(pods: pulumi.Resource): void {
    const { replicas } = this.args;
    if (typeof replicas === "number") return;
    new k8s.autoscaling.v2.HorizontalPodAutoscaler(
      this.name,
      { metadata: this.metadata, spec: specs.autoscalerSpec(this.kind, this.name, replicas) },
      { ...this.child, dependsOn: [pods] },
    );
  }

  /** After the pods, so that its address answers as soon as it is known. */
  private service(pods: pulumi.Resource): k8s.core.v1.Service | undefined {
    const { name, ports, args } = this;
    if (ports.length === 0) return undefined;
    const { capabilities } = args.place;
    const spec = specs.serviceSpec(this.selector, ports, args.from, capabilities);
    const annotations = spec.type === "LoadBalancer" ? capabilities.loadBalancer?.annotations : {};
    return new k8s.core.v1.Service(
      name,
      { metadata: { ...this.metadata, annotations: { ...annotations } }, spec },
      { ...this.child, dependsOn: [pods], ...this.timeouts() },
    );
  }

  private serviceUrl(service: k8s.core.v1.Service | undefined): pulumi.Output<string> {
    const { name, namespace } = this.metadata;
    const [first] = this.ports;
    if (first === undefined || service === undefined) return pulumi.output("");
    return service.status.apply((status: Status | undefined) =>
      serviceUrl({ name, namespace, port: first.port }, addressIn(status)),
    );
  }

  /** After the Service, so that it answers as soon as its address is known. */
  private ingress(service: k8s.core.v1.Service | undefined): pulumi.Output<string> | undefined {
    const { name, entry } = this;
    if (entry === undefined || service === undefined) return undefined;
    const annotations = ingressAnnotations(entry);
    const { status } = new k8s.networking.v1.Ingress(
      name,
      { metadata: { ...this.metadata, annotations }, spec: ingressSpec(entry, name) },
      { ...this.child, dependsOn: [service], ...this.timeouts() },
    );
    return status.apply((known: Status | undefined) => ingressUrl(entry, addressIn(known)));
  }

  /** A load balancer that finds its port taken is no more worth waiting for than a bad image. */
  private timeouts(): pulumi.CustomResourceOptions {
    const timeout = `${seconds(this.args.rolloutTimeout)}s`;
    return { customTimeouts: { create: timeout, update: timeout } };
  }
}

/** As it is before the cluster has filled it in: the SDK's type declares every field as present. */
interface Status {
  readonly loadBalancer?: { readonly ingress?: readonly IngressAddress[] };
}

const addressIn = (status: Status | undefined) => status?.loadBalancer?.ingress?.[0];
