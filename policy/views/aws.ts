import { type Data, type DataMap, Field } from "../field";
import { some, type Truth } from "../logic";
import type { Resource, Stack } from "../resource";

export const CLUSTERS = ["aws:eks/cluster:Cluster", "eks:index:Cluster"];
export const SUBNET = "aws:ec2/subnet:Subnet";
export const NODE_GROUP = "aws:eks/nodeGroup:NodeGroup";
export const LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";

/** The fields of a control plane, whichever of the two resources declares it. */
export interface ControlPlane {
  readonly publicAccess: Field;
  readonly publicCidrs: Field;
  readonly keyArn: Field;
  readonly logTypes: Field;
  readonly version: Field;
  readonly authenticationMode: Field;
  readonly supportType: Field;
  readonly deletionProtection: Field;
}

/** undefined for the resource inside an `eks.Cluster`, which is judged by what the program gave that. */
export function controlPlane(cluster: Resource): ControlPlane | undefined {
  if (!CLUSTERS.includes(cluster.kind)) return undefined;
  const common = {
    logTypes: cluster.at("enabledClusterLogTypes"),
    version: cluster.at("version"),
    supportType: cluster.at("upgradePolicy", "supportType"),
    deletionProtection: cluster.at("deletionProtection"),
  };
  if (cluster.kind === "eks:index:Cluster") {
    return {
      ...common,
      publicAccess: cluster.at("endpointPublicAccess"),
      publicCidrs: cluster.at("publicAccessCidrs"),
      keyArn: cluster.at("encryptionConfigKeyArn"),
      authenticationMode: cluster.at("authenticationMode"),
    };
  }
  if (cluster.urn.includes("eks:index:Cluster$")) return undefined;
  return {
    ...common,
    publicAccess: cluster.at("vpcConfig", "endpointPublicAccess"),
    publicCidrs: cluster.at("vpcConfig", "publicAccessCidrs"),
    keyArn: cluster.at("encryptionConfig", "provider", "keyArn"),
    authenticationMode: cluster.at("accessConfig", "authenticationMode"),
  };
}

/** Whether a range of addresses is the whole Internet. */
export function isEverywhere(range: unknown): boolean {
  return range === "0.0.0.0/0" || range === "::/0";
}

/** Whether the subnet's routes lead to an Internet gateway. */
export function isPublic(stack: Stack, subnet: Resource): Truth {
  if (subnet.at("mapPublicIpOnLaunch").value === true) return true;
  const associations = stack
    .of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    .filter((one) => stack.sources(one, "subnetId").includes(subnet));
  const tables = associations.flatMap((one) => stack.sources(one, "routeTableId"));
  const routes = stack
    .of("aws:ec2/route:Route")
    .filter((one) => stack.sources(one, "routeTableId").some((table) => tables.includes(table)));
  return some([...tables, ...routes], (one) =>
    [...stack.sources(one, "gatewayId"), ...stack.sources(one, "routes")].some(
      ({ kind }) => kind === "aws:ec2/internetGateway:InternetGateway",
    ),
  );
}

/** Statements of a policy document in a property, as fields; none where it is not known or no JSON. */
export function statements(document: Field): Field[] {
  const { value } = document;
  const parsed = typeof value === "string" ? parsedJson(value) : value;
  if (parsed === undefined) return [];
  const root = new Field(document.origin, document.path, parsed);
  const statement = root.at("Statement");
  return Array.isArray(statement.value) ? statement.items() : [statement];
}

/** A field of a statement as texts: IAM allows one text in the place of a list. */
export function listed(field: Field): string[] {
  const { text } = field;
  return text === undefined ? (field.texts() ?? []) : [text];
}

export function allows(statement: Field): boolean {
  return statement.at("Effect").value === "Allow";
}

/** undefined where the text is no JSON. */
export function parsedJson(text: string): Exclude<Data, symbol | null> | undefined {
  try {
    return JSON.parse(text) as DataMap;
  } catch {
    return undefined;
  }
}
