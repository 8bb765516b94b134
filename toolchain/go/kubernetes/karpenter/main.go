// Karpenter with its kwok cloud provider: its decisions are real, its nodes are simulated by kwok.
// The stock main has neither a version to print nor the definitions of its kinds, which are its
// chart's; here `karpenter crds` prints them, as JSON documents, one a line.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	kwokapis "sigs.k8s.io/karpenter/kwok/apis"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/apis"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/operator"
)

func main() {
	var err error
	switch command := append(os.Args, "")[1]; command {
	case "--version":
		fmt.Println("karpenter", operator.Version)
	case "crds":
		err = printDefinitions()
	default:
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "karpenter:", err)
		os.Exit(1)
	}
}

func printDefinitions() error {
	out := json.NewEncoder(os.Stdout)
	for _, definition := range append(apis.CRDs, kwokapis.CRDs...) {
		if err := out.Encode(definition); err != nil {
			return err
		}
	}
	return nil
}

// run serves until a signal ends it. Flags and environment are those of Karpenter's operator.
func run() error {
	ctx, op := operator.NewOperator()
	instanceTypes, err := kwok.ConstructInstanceTypes(ctx)
	if err != nil {
		return err
	}
	plain := kwok.NewCloudProvider(ctx, op.GetClient(), instanceTypes)
	provider := overlay.Decorate(plain, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), provider)
	op.WithControllers(ctx, controllers.NewControllers(
		ctx, op.Manager, op.Clock, op.GetClient(), op.EventRecorder,
		provider, plain, cluster, op.InstanceTypeStore,
	)...).Start(ctx)
	return nil
}
