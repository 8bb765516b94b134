import { getPath, listAt, textAt, type Json, type JsonMap } from "../objects";

export function conditionOf(object: Json, type: string): JsonMap | undefined {
  return listAt(object, "status", "conditions").find(
    (condition): condition is JsonMap => textAt(condition, "type") === type,
  );
}

export function isCondition(object: Json, type: string, status: "True" | "False"): boolean {
  return conditionOf(object, type)?.status === status;
}

/** `Reason: message`, or as much of it as the condition has. */
export function explain(condition: Json | undefined): string {
  return [textAt(condition, "reason"), textAt(condition, "message").trim()]
    .filter((text) => text !== "")
    .join(": ");
}

/** The controller has seen the newest form of the object: its status speaks of that one. */
export function isObserved(object: Json): boolean {
  return (
    numberAt(object, "status", "observedGeneration") >= numberAt(object, "metadata", "generation")
  );
}

/** Replicas wanted; the API's default is one. */
export function replicasOf(object: Json): number {
  const replicas = getPath(object, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
}

/** The number at a path; 0 where there is none, as the API leaves zeros out. */
export function numberAt(value: Json, ...path: readonly string[]): number {
  const found = getPath(value, ...path);
  return typeof found === "number" ? found : 0;
}
