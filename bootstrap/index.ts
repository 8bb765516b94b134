import * as pulumi from "@pulumi/pulumi";

import { parseState } from "./config";
import { StateStore } from "./state-store";

/** The program; what it returns is what `pulumi login` and `--secrets-provider` take. */
export = () => {
  const config = new pulumi.Config();
  const store = new StateStore(
    "state",
    parseState(config.getObject("state"), new pulumi.Config("aws").get("region")),
  );
  return Promise.resolve({ backendUrl: store.backendUrl, secretsProvider: store.secretsProvider });
};
