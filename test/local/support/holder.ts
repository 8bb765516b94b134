import { setTimeout as sleep } from "node:timers/promises";

import { withHeldSupervision } from "../../../infra/local/runtime/hold";

// A program that holds the cluster of a folder until it is killed.
void withHeldSupervision({ root: process.argv[2] ?? "" }, async () => {
  process.stdout.write("held\n");
  await sleep(600_000);
});
