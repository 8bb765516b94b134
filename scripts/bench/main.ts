// `npm run bench [-- program]`: measures the goals of speed and prints a table; `program` needs no cluster.
import { execa } from "execa";

import { clusterMemory, startToPage } from "./cluster";
import { type Measurement, root, table, withinLimits } from "./measure";
import { programLoad } from "./program-load";
import { policyCost } from "./policy";
import { previews } from "./pulumi";

async function main(): Promise<number> {
  const measurements = await programLoad(7);
  if (!process.argv.includes("program")) measurements.push(...(await withCluster()));
  console.log(table(measurements));
  return withinLimits(measurements) ? 0 : 1;
}

async function withCluster(): Promise<Measurement[]> {
  const start = await startToPage();
  try {
    return [...start, ...clusterMemory(), ...(await previews(5)), ...(await policyCost(5))];
  } finally {
    await execa("npm", ["run", "down", "--", "--yes"], { cwd: root, stdio: ["ignore", 2, 2] });
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
