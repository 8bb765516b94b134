import { getPath, listAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, failed, waiting, whileItExists, type AwaitRule } from "./rule";
import { isObserved } from "./status";
import { WAIT_FOR, type WaitCondition } from "./wait-for-syntax";

/** Whether one condition of the annotation is met: not yet (and why), or never. */
type Outcome =
  { readonly met: true } | { readonly met: false; readonly why: string; readonly never: boolean };

const MET: Outcome = { met: true };

/** Ready when every condition that the program asks for by annotation is met. */
export function waitForRule(conditions: readonly WaitCondition[]): AwaitRule {
  return whileItExists({
    queries: (object) => [warningEvents(textAt(object, "metadata", "namespace"))],
    evaluate: (object, { related }) => {
      const outcomes = conditions.map((condition) => ({
        text: condition.text,
        outcome: outcomeOf(condition, object),
      }));
      const unmet = outcomes.flatMap(({ text, outcome }) =>
        outcome.met
          ? []
          : [{ never: outcome.never, problem: `${WAIT_FOR}: "${text}" ${outcome.why}` }],
      );
      const never = unmet.filter((item) => item.never);
      if (never.length > 0) {
        return failed(...never.map((item) => item.problem));
      }
      return unmet.length === 0
        ? done(`Found ${conditions.map(({ text }) => text).join(", ")}`)
        : waiting(`Waiting as ${textAt(object, "kind")} asks for`, [
            ...unmet.map((item) => item.problem),
            ...warningsAbout(related("events"), object),
          ]);
    },
  });
}

function outcomeOf(condition: WaitCondition, object: JsonMap): Outcome {
  return condition.form === "condition"
    ? ofCondition(condition, object)
    : ofPath(condition, object);
}

/** As `kubectl wait --for=condition=…` does it: any case, and only of the newest generation. */
function ofCondition(
  { type, status }: WaitCondition & { form: "condition" },
  object: JsonMap,
): Outcome {
  const found = listAt(object, "status", "conditions").find((candidate) =>
    sameText(textAt(candidate, "type"), type),
  );
  if (found === undefined) {
    return notYet("is not met: the object has no such condition");
  }
  const seen = getPath(found, "observedGeneration") ?? observedGeneration(object);
  const generation = getPath(object, "metadata", "generation");
  if (typeof seen === "number" && typeof generation === "number" && seen < generation) {
    return notYet("is not known yet for the newest generation");
  }
  if (sameText(textAt(found, "status"), status)) {
    return MET;
  }
  const reason = textAt(found, "message") || textAt(found, "reason");
  return notYet(
    `is not met: it is ${textAt(found, "status")}${reason === "" ? "" : ` (${reason})`}`,
  );
}

function ofPath({ query, value }: WaitCondition & { form: "jsonpath" }, object: JsonMap): Outcome {
  if (observedGeneration(object) !== undefined && !isObserved(object)) {
    return notYet("is not known yet for the newest generation");
  }
  const [first] = query(object);
  if (first === undefined) {
    return notYet("is not met: the path selects nothing");
  }
  if (value === undefined) {
    return MET;
  }
  if (typeof first === "object" && first !== null) {
    return {
      met: false,
      why: "selects a list or an object, which no value equals: select a field of it",
      never: true,
    };
  }
  return String(first) === value ? MET : notYet(`is not met: found "${String(first)}"`);
}

function observedGeneration(object: Json): Json | undefined {
  return getPath(object, "status", "observedGeneration");
}

function notYet(why: string): Outcome {
  return { met: false, why, never: false };
}

function sameText(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
