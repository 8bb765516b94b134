import { getPath, textAt, type JsonMap } from "../objects";
import type { Query } from "./rule";

/** The warnings of a namespace. Their number is small: events live for an hour. */
export function warningEvents(namespace: string): Query {
  return {
    key: "events",
    apiVersion: "v1",
    kind: "Event",
    // Those about cluster-scoped objects are kept here.
    namespace: namespace === "" ? "default" : namespace,
    fieldSelector: "type=Warning",
  };
}

/** The newest warning of each reason about an object, as `Reason: message`. */
export function warningsAbout(events: readonly JsonMap[], object: JsonMap): string[] {
  const uid = textAt(object, "metadata", "uid");
  const newest = new Map<string, JsonMap>();
  for (const event of events) {
    if (textAt(event, "involvedObject", "uid") !== uid) {
      continue;
    }
    const reason = textAt(event, "reason");
    const seen = newest.get(reason);
    if (seen === undefined || timeOf(event) >= timeOf(seen)) {
      newest.set(reason, event);
    }
  }
  return [...newest].map(([reason, event]) => `${reason}: ${textAt(event, "message").trim()}`);
}

/** RFC 3339 times compare as text. */
function timeOf(event: JsonMap): string {
  const time =
    getPath(event, "series", "lastObservedTime") ?? event.lastTimestamp ?? event.eventTime;
  return typeof time === "string" ? time : "";
}
