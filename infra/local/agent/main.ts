import { readFileSync } from "node:fs";

import { Api, credentialsOf } from "../runtime/api";
import { LoadBalancer } from "./load-balancer";

/** Written by the runtime beside the cluster's record. */
interface Settings {
  readonly kubeconfig: string;
  readonly loadBalancerAddress: string;
  /** Where NodePorts answer; null: no node serves, so only addresses are assigned. */
  readonly nodeAddress: string | null;
}

const settingsFile = process.argv[2];
if (settingsFile === undefined) {
  process.stderr.write("usage: agent.js SETTINGS.json\n");
  process.exit(2);
}
const settings = JSON.parse(readFileSync(settingsFile, "utf8")) as Settings;
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => stop.abort());
}
const balancer = new LoadBalancer(new Api(credentialsOf(settings.kubeconfig)), settings);
void balancer.run(stop.signal).then(() => process.exit(0));
