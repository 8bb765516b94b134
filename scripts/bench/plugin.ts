// A provider that accepts everything at once, so that a preview's time is the engine's and the pack's.
import { serveProvider } from "../../toolchain/plugin/serve";

void serveProvider({
  name: "kubernetes",
  version: "4.34.2",
  check: ({ news }) => Promise.resolve({ inputs: news, failures: [] }),
  diff: () => Promise.resolve({ changes: "none", detailedDiff: {} }),
  create: ({ name, inputs }) => Promise.resolve({ id: name, outputs: inputs }),
  read: ({ id, inputs, outputs }) => Promise.resolve({ id, inputs, outputs }),
  update: ({ news }) => Promise.resolve({ outputs: news }),
  delete: () => Promise.resolve(),
});
