/** CPU time with the unit of its pattern, checked when a program is compiled. */
export type Cpu = `${number}m` | `${number}`;

/** Memory, or room on a disk, with its unit. */
export type Memory = `${number}${"Ki" | "Mi" | "Gi"}`;

/** CPU time as Kubernetes writes it: whole millicores ("250m") or cores ("2", "0.5"). */
export const cpuPattern = /^(?:[1-9]\d*m|(?:0|[1-9]\d*)(?:\.\d{1,3})?)$/;

/** Memory as Kubernetes writes it, in binary units only: "64Mi", "2Gi". */
export const memoryPattern = /^[1-9]\d*(?:Ki|Mi|Gi)$/;

const bytesPerUnit: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** @returns thousandths of a core; expects a text that matches `cpuPattern` */
export function millicores(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Math.round(Number(cpu) * 1000);
}

/** @returns bytes; expects a text that matches `memoryPattern` */
export function bytes(memory: string): number {
  return Number(memory.slice(0, -2)) * (bytesPerUnit[memory.slice(-2)] ?? Number.NaN);
}

/** The shortest exact form: 2000 is "2", 250 is "250m". */
export function formatMillicores(value: number): string {
  return value % 1000 === 0 ? String(value / 1000) : `${value}m`;
}

/** The shortest exact form in binary units: 2147483648 is "2Gi". */
export function formatBytes(value: number): string {
  const unit = ["Gi", "Mi", "Ki"].find((name) => value % (bytesPerUnit[name] ?? Infinity) === 0);
  return unit === undefined ? String(value) : `${value / (bytesPerUnit[unit] ?? 1)}${unit}`;
}
