import { serveProvider } from "../plugin/serve";
import { KubernetesProvider } from "./provider";

void serveProvider(new KubernetesProvider());
