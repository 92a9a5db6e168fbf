// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// withArguments is a provider whose block is completed before it is configured.
type withArguments struct {
	tfprotov6.ProviderServer

	// arguments are set where the block leaves them out.
	arguments map[string]string
}

// ConfigureProvider completes the block with the arguments.
func (p *withArguments) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	schema, err := p.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	of := schema.Provider.ValueType()
	config, err := req.Config.Unmarshal(of)
	if err != nil {
		return nil, err
	}
	config, err = complete(config, p.arguments)
	if err != nil {
		return nil, err
	}
	completed, err := tfprotov6.NewDynamicValue(of, config)
	if err != nil {
		return nil, err
	}
	changed := *req
	changed.Config = &completed
	return p.ProviderServer.ConfigureProvider(ctx, &changed)
}

// complete sets string arguments that are null.
func complete(config tftypes.Value, arguments map[string]string) (tftypes.Value, error) {
	if config.IsNull() {
		return config, errors.New("a provider is configured without a block of its own")
	}
	object, ok := config.Type().(tftypes.Object)
	if !ok {
		return config, fmt.Errorf("a provider block is a %s", config.Type())
	}
	values := map[string]tftypes.Value{}
	if err := config.As(&values); err != nil {
		return config, err
	}
	for name, argument := range arguments {
		value, ok := values[name]
		if !ok {
			return config, fmt.Errorf("the provider has no argument %s", name)
		}
		if value.IsNull() {
			values[name] = tftypes.NewValue(tftypes.String, argument)
		}
	}
	return tftypes.NewValue(object, values), nil
}
