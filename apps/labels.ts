/** Labels that select an app's pods: as few as possible, because a selector cannot be changed. */
export function selectorLabels(app: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": app };
}

/** Labels of all that belongs to an app. */
export function appLabels(app: string): Readonly<Record<string, string>> {
  return { ...selectorLabels(app), "app.kubernetes.io/part-of": "drydock" };
}
