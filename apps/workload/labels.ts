export type Labels = Readonly<Record<string, string>>;

/** Labels that select a workload's pods: as few as possible, because a selector cannot be changed. */
export function selectorLabels(workload: string): Labels {
  return { "app.kubernetes.io/name": workload };
}

/** Labels of all that belongs to a workload. */
export function workloadLabels(workload: string): Labels {
  return { ...selectorLabels(workload), "app.kubernetes.io/part-of": "drydock" };
}
