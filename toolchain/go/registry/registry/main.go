// The registry of the CNCF project Distribution with the filesystem as its only storage. The stock
// main links the SDKs of three clouds, which no local cluster can use.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
