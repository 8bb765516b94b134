/** A line of what a test saw, for those who read its run. */
export function report(line: string): void {
  process.stderr.write(`  saw: ${line}\n`);
}
