// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// NewServer returns what makes the provider as Terraform talks to it, in
// protocol version 6. version is that of New.
func NewServer(version string, opts ...Option) func() tfprotov6.ProviderServer {
	return func() tfprotov6.ProviderServer {
		return server{providerserver.NewProtocol6(New(version, opts...)())()}
	}
}

// server lets go of what belongs to a request once it is answered.
// terraform-plugin-framework (v1.19.0, registerContext) keeps the context of
// each request until Terraform stops the provider, and with it the request's
// loggers and its stream: 150 MB after 1,000 seeds. Requests that come once for
// each seed, data source or function call therefore get a context that can be
// emptied. The others come once and pass through.
type server struct{ tfprotov6.ProviderServer }

func (s server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return answer(ctx, req, s.ProviderServer.ValidateResourceConfig)
}

func (s server) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return answer(ctx, req, s.ProviderServer.UpgradeResourceState)
}

func (s server) UpgradeResourceIdentity(ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return answer(ctx, req, s.ProviderServer.UpgradeResourceIdentity)
}

func (s server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return answer(ctx, req, s.ProviderServer.ReadResource)
}

func (s server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return answer(ctx, req, s.ProviderServer.PlanResourceChange)
}

func (s server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return answer(ctx, req, s.ProviderServer.ApplyResourceChange)
}

func (s server) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return answer(ctx, req, s.ProviderServer.ImportResourceState)
}

func (s server) MoveResourceState(ctx context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	return answer(ctx, req, s.ProviderServer.MoveResourceState)
}

func (s server) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return answer(ctx, req, s.ProviderServer.ValidateDataResourceConfig)
}

func (s server) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return answer(ctx, req, s.ProviderServer.ReadDataSource)
}

func (s server) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	return answer(ctx, req, s.ProviderServer.CallFunction)
}

// answer handles a request with a context that is emptied afterwards.
func answer[Req, Resp any](ctx context.Context, req Req, handle func(context.Context, Req) (Resp, error)) (Resp, error) {
	emptied := newEmptiedContext(ctx)
	defer emptied.empty()
	return handle(emptied, req)
}

// emptiedContext is another context until it is emptied; from then on it tells
// when that ends, and nothing else. It is safe for concurrent use: work for several
// requests may go on with the context of one that is answered.
type emptiedContext struct {
	from atomic.Pointer[context.Context]
	done <-chan struct{}
}

var _ context.Context = (*emptiedContext)(nil)

func newEmptiedContext(from context.Context) *emptiedContext {
	c := &emptiedContext{done: from.Done()}
	c.from.Store(&from)
	return c
}

func (c *emptiedContext) empty() { c.from.Store(nil) }

// Deadline implements context.Context.
func (c *emptiedContext) Deadline() (time.Time, bool) {
	if from := c.from.Load(); from != nil {
		return (*from).Deadline()
	}
	return time.Time{}, false
}

// Done implements context.Context. Whoever made the other context ends it when
// the request is answered.
func (c *emptiedContext) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *emptiedContext) Err() error {
	if from := c.from.Load(); from != nil {
		return (*from).Err()
	}
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value implements context.Context.
func (c *emptiedContext) Value(key any) any {
	if from := c.from.Load(); from != nil {
		return (*from).Value(key)
	}
	return nil
}
