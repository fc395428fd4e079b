// The AWS provider of the sandbox: HashiCorp's upstream behind Pulumi's bridge, which is how the official plugin is made,
// with the types of types.txt alone. With the argument "schema" it prints what it has to offer as JSON and ends.
package main

import (
	"context"
	"log"
	"os"

	"github.com/hashicorp/terraform-provider-aws/shim"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
)

// version is that of the official plugin which this stands for; the linker sets it.
var version = "0.0.0"

func main() {
	ctx := context.Background()
	info, err := newProvider(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) == 2 && os.Args[1] == "schema" {
		if err := printSchema(os.Stdout, info); err != nil {
			log.Fatal(err)
		}
		return
	}
	pf.MainWithMuxer(ctx, "aws", *info, []byte(`{"name":"aws","version":"`+version+`"}`))
}

func newProvider(ctx context.Context) (*tfbridge.ProviderInfo, error) {
	sdk, framework, err := shim.NewProvider(ctx)
	if err != nil {
		return nil, err
	}
	upstream := pf.MuxShimWithPF(ctx, shimv2.NewProvider(sdk), framework)
	mapped, err := readMapping(upstream)
	if err != nil {
		return nil, err
	}
	if err := refuseNewer(mapped.resources); err != nil {
		return nil, err
	}
	info := &tfbridge.ProviderInfo{
		P:              upstream,
		Name:           "aws",
		ResourcePrefix: "aws",
		Version:        version,
		Config:         mapped.config,
		Resources:      mapped.resources,
		DataSources:    mapped.functions,
		MetadataInfo:   tfbridge.NewProviderMetadata([]byte("{}")),
	}
	info.SetAutonaming(255, "-")
	// The official plugin computes at build time which half serves which type, and embeds it. Here it is done at the start.
	table, err := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	}).ResolveDispatch(info)
	if err != nil {
		return nil, err
	}
	return info, metadata.Set(info.GetMetadata(), "mux", table)
}
