// Package shim opens upstream's internal packages. Set-up copies it into the copy of upstream, the only place that may import them.
package shim

import (
	"context"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-provider-aws/internal"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/framework"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/sdkv2"
)

// NewProvider returns both halves of upstream: resources on the older SDK and on the plugin framework.
func NewProvider(ctx context.Context) (*schema.Provider, fwprovider.Provider, error) {
	internal.RegisterSmarterrFS()
	sdk, err := sdkv2.NewProvider(ctx)
	if err != nil {
		return nil, nil, err
	}
	framework, err := framework.NewProvider(ctx, sdk)
	return sdk, framework, err
}
