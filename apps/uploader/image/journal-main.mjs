import { shipForEver } from "./journal.mjs";

const { JOURNAL_DIRECTORY } = process.env;
if (!JOURNAL_DIRECTORY) throw new Error("JOURNAL_DIRECTORY has to be set.");
shipForEver(JOURNAL_DIRECTORY, 8081);
