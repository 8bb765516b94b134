import { beforeAll } from "vitest";

import { withProgress } from "../../toolchain/progress";
import { resolveLaterTools } from "./tools";

/** Waits for what is built beside the tests that ran before; what failed there is tried again, and told. */
beforeAll(() => withProgress((onProgress) => resolveLaterTools({ onProgress })), 60 * 60_000);
