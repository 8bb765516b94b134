import type { ControlPlane } from "./control-plane";
import type { Keys } from "./keys";
import type { Network } from "./network";
import type { EksConfig, Place } from "./place";
import type { Role } from "./role";

/** What a cluster consists of before it has nodes. */
export interface Parts {
  readonly place: Place;
  readonly config: EksConfig;
  readonly keys: Keys;
  readonly network: Network;
  readonly nodeRole: Role;
  readonly controlPlane: ControlPlane;
}
