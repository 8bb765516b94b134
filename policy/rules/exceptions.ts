import { integer, rule } from "../rule";

/** Judged by the pack itself, which alone knows which findings an exception holds back. */
export const exceptionRules = [
  rule({
    id: "exception-valid",
    title: "Every exception names a rule, a reason and a date that has not passed.",
    severity: "high",
    applies: ["*"],
    why: "An exception without an end is a rule that does not hold.",
    references: ["drydock"],
    fix: 'Mend what the exception is for, or declare it anew: exceptions({ "<rule>": { until: "<date>", reason: "<why>" } }).',
    parameters: { days: integer(366, "Most days between today and the end of an exception.", 1) },
  }),
  rule({
    id: "exception-used",
    title: "No exception is left over.",
    severity: "low",
    applies: ["*"],
    why: "Left over, it would hold back the next finding too.",
    references: ["drydock"],
    fix: "Remove the exception.",
  }),
  rule({
    id: "exception-reported",
    title: "Exceptions in force are told at each preview.",
    severity: "low",
    applies: ["*"],
    why: "Who reviews a change sees what it is not held to.",
    references: ["drydock"],
    fix: "Nothing is to be done before the date.",
  }),
  rule({
    id: "inputs-known",
    title: "What the rules read is known at preview.",
    severity: "low",
    applies: ["*"],
    why: "What is not known yet is judged by the update, when a part of it is done already.",
    references: ["drydock"],
    fix: "Take the value from the configuration instead of another resource's output, where that is possible.",
  }),
] as const;
