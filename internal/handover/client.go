// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package handover

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Configuration is where AWS configuration comes from: the provider block. The
// endpoints block is part of what it returns.
type Configuration interface {
	// Config returns the configuration for a region, "" meaning the
	// provider's own.
	Config(ctx context.Context, region string) (aws.Config, error)
}

// Client asks Lambda and SSM. It has one client of the SDK for a region and
// service, so that the SDK's limit on retries counts for all. It is safe for
// concurrent use.
type Client struct {
	configuration Configuration

	lambda regional[getFunction]
	ssm    regional[getParameter]
}

// getFunction and getParameter stand for the SDK's clients, of which nothing
// else is used. The clients themselves, in something that may be looked at by
// reflection, would keep every operation of the two services in the binary.
type (
	getFunction  func(context.Context, *lambda.GetFunctionInput, ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error)
	getParameter func(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
)

// NewClient returns a client. It makes no request and needs no credentials
// before it is asked something.
func NewClient(configuration Configuration) *Client {
	return &Client{
		configuration: configuration,
		lambda:        regional[getFunction]{make: func(cfg aws.Config) getFunction { return lambda.NewFromConfig(cfg).GetFunction }},
		ssm:           regional[getParameter]{make: func(cfg aws.Config) getParameter { return ssm.NewFromConfig(cfg).GetParameter }},
	}
}

// regional keeps what asks a service, for each region.
type regional[T any] struct {
	make func(aws.Config) T

	mu      sync.Mutex
	clients map[string]T
}

// get returns what asks the service in a region, and the region's name.
func (r *regional[T]) get(ctx context.Context, configuration Configuration, region string) (T, string, error) {
	cfg, err := configuration.Config(ctx, region)
	if err != nil {
		var none T
		return none, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	client, ok := r.clients[cfg.Region]
	if !ok {
		if r.clients == nil {
			r.clients = map[string]T{}
		}
		client = r.make(cfg)
		r.clients[cfg.Region] = client
	}
	return client, cfg.Region, nil
}
