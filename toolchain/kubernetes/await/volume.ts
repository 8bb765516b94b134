import { textAt } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, failed, waiting, whileItExists } from "./rule";

/** A PersistentVolume that claims can have, or that one has already. */
export const volumeRule = whileItExists({
  queries: () => [warningEvents("")],
  evaluate: (volume, { related }) => {
    const phase = textAt(volume, "status", "phase");
    if (phase === "Available" || phase === "Bound" || phase === "Released") {
      return done(`PersistentVolume is ${phase.toLowerCase()}`);
    }
    const problems = warningsAbout(related("events"), volume);
    return phase === "Failed"
      ? failed(textAt(volume, "status", "message"), ...problems)
      : waiting("Waiting for PersistentVolume to be available", problems);
  },
});
