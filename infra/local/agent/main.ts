import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AGENT, type AgentSettings } from "../runtime/agent";
import { Api, credentialsOf } from "../runtime/api";
import { daemonPid, identityOf } from "../runtime/daemon";
import { clusterPaths } from "../runtime/paths";
import { IngressStatus } from "./ingress-status";
import { LoadBalancer } from "./load-balancer";
import { LOG_LIMITS, rotateLogs } from "./log-rotation";
import { PolicyEnforcer } from "./network-policy";
import { Supervisor } from "./supervisor";

const ROTATE_MS = 10_000;

const settingsFile = process.argv[2];
if (settingsFile === undefined) {
  process.stderr.write("usage: agent.js SETTINGS.json\n");
  process.exit(2);
}
const settings = JSON.parse(readFileSync(settingsFile, "utf8")) as AgentSettings;
const paths = clusterPaths(settings.projectRoot, settings.clusterName);
const other = daemonPid(paths, AGENT);
if (other !== undefined) {
  log(`another agent serves this cluster (pid ${String(other)})`);
  process.exit(1);
}
mkdirSync(paths.pids, { recursive: true });
writeFileSync(join(paths.pids, `${AGENT}.pid`), identityOf(process.pid));

// On a full disk there is no log, and all the more need of an agent.
process.stdout.on("error", () => undefined);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => stop.abort());
}
setInterval(() => void keepLogsShort(), ROTATE_MS).unref();
const api = new Api(credentialsOf(settings.kubeconfig));
const balancer = new LoadBalancer(api, settings);
const ingresses = new IngressStatus(api);
const enforcer =
  settings.networkPolicy && new PolicyEnforcer(api, { ...settings.networkPolicy, paths, log });
const supervisor = new Supervisor(paths, log);
log(`the agent runs (pid ${String(process.pid)})`);
void Promise.all([
  balancer.run(stop.signal),
  ingresses.run(stop.signal),
  supervisor.run(stop.signal),
  ...(enforcer === undefined ? [] : [enforcer.run(stop.signal)]),
]).then(() => process.exit(0));

async function keepLogsShort(): Promise<void> {
  const folders = [paths.logs, join(paths.controlPlane, "logs")];
  await rotateLogs(folders, LOG_LIMITS).catch((error: unknown) => {
    log(`the logs could not be rotated: ${String(error)}`);
  });
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}
