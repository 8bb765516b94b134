// The engine asks a pack to mend each resource before it has it judged, and the SDK reads all of a resource to find
// that no rule of this pack does. Of such a request nothing is read here.
import { AnalyzerService } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import { AnalyzeRequest, AnalyzerResourceOptions } from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

const nothing = new AnalyzeRequest()
  .setOptions(new AnalyzerResourceOptions())
  .setProperties(new Struct());

(AnalyzerService as { remediate: { requestDeserialize: unknown } }).remediate.requestDeserialize =
  () => nothing;
