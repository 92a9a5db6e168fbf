// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

const seedType = "lambdaseed_placeholder_image"

// workspace plays Terraform for one resource, over the plugin protocol but in
// this process, so that hundreds of cases cost seconds. It calls the provider
// in the order in which Terraform does, keeps what Terraform would keep after
// an error, and holds the provider to Terraform's rules about plans.
type workspace struct {
	w *world
	// key is the access key of this workspace's provider, by which the server
	// tells its requests from those of others.
	key string
	// resource is the type of the resource.
	resource string
	// provider are further arguments of the provider block.
	provider block
	state    *resourceState // nil: the resource is not in the state
	// shared is a process that serves more than one resource, as for the
	// resources of one configuration; nil starts one for each command.
	shared *process

	mu      sync.Mutex
	running *process
}

// resourceState is what Terraform remembers of a resource.
type resourceState struct {
	value    tftypes.Value
	private  []byte
	identity *tfprotov6.ResourceIdentityData
	tainted  bool
}

// process is one run of the provider: Terraform starts one for each command.
type process struct {
	server   tfprotov6.ProviderServer
	resource string
	schema   *tfprotov6.Schema
	of       tftypes.Object
}

// diagnosticsError are the errors that a command ended with.
type diagnosticsError struct{ errors []*tfprotov6.Diagnostic }

func (e *diagnosticsError) Error() string {
	var texts []string
	for _, d := range e.errors {
		texts = append(texts, d.Summary+"\n"+d.Detail)
	}
	return strings.Join(texts, "\n\n")
}

func errorsOf(diagnostics []*tfprotov6.Diagnostic) error {
	var found []*tfprotov6.Diagnostic
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			found = append(found, d)
		}
	}
	if found == nil {
		return nil
	}
	return &diagnosticsError{found}
}

// errBroken is a breach of the plugin protocol's rules: a bug in the provider,
// never the fault that was played.
var errBroken = errors.New("the provider broke a rule of Terraform's")

var workspaces struct {
	sync.Mutex
	made int
}

// workspace returns an empty workspace with an access key of its own.
func (w *world) workspace() *workspace {
	workspaces.Lock()
	defer workspaces.Unlock()
	workspaces.made++
	return &workspace{w: w, key: fmt.Sprintf("AKIAWORKSPACE%07d", workspaces.made), resource: seedType}
}

// start runs the provider. All that it may wait for is milliseconds.
func (ws *workspace) start(ctx context.Context) (*process, error) {
	if ws.shared != nil {
		return ws.shared, nil
	}
	return ws.startWith(ctx, ecrrepo.WithTiming(20*time.Millisecond, 2*time.Millisecond))
}

func (ws *workspace) startWith(ctx context.Context, opts ...ecrrepo.Option) (*process, error) {
	p, provider, err := ws.serve(ctx, opts...)
	if err != nil {
		return nil, err
	}
	b := block{
		"region": testRegion, "access_key": ws.key, "secret_key": "test-secret",
		"https_proxy": ws.w.URL(), "custom_ca_bundle": ws.w.ca, "max_retries": 3,
	}
	maps.Copy(b, ws.provider)
	config, err := dynamicValue(provider.ValueType(), b)
	if err != nil {
		return nil, err
	}
	configured, err := p.server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: config, TerraformVersion: "1.12.0"})
	if err != nil {
		return nil, err
	}
	if err := errorsOf(configured.Diagnostics); err != nil {
		return nil, err
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.running = p
	return p, nil
}

// serve makes a provider that is not configured yet.
func (ws *workspace) serve(ctx context.Context, opts ...ecrrepo.Option) (*process, *tfprotov6.Schema, error) {
	server := NewServer("test",
		WithKeychain(noLogins{}), WithECROptions(opts...),
		WithSettings(func(s *awsconfig.Settings) { s.MaxBackoff = 2 * time.Millisecond }),
	)()
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, nil, err
	}
	of, ok := schemas.ResourceSchemas[ws.resource].ValueType().(tftypes.Object)
	if !ok {
		return nil, nil, fmt.Errorf("%s is no object", ws.resource)
	}
	return &process{server: server, resource: ws.resource, schema: schemas.ResourceSchemas[ws.resource], of: of}, schemas.Provider, nil
}

// interrupt is what Ctrl-C makes of a command that is running.
func (ws *workspace) interrupt() {
	ws.mu.Lock()
	p := ws.running
	ws.mu.Unlock()
	// It never fails.
	_, _ = p.server.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{})
}

func dynamicValue(of tftypes.Type, in block) (*tfprotov6.DynamicValue, error) {
	value, err := tftypesValue(of, map[string]any(in))
	if err != nil {
		return nil, err
	}
	return dynamicOf(of, value)
}

func dynamicOf(of tftypes.Type, value tftypes.Value) (*tfprotov6.DynamicValue, error) {
	dynamic, err := tfprotov6.NewDynamicValue(of, value)
	return &dynamic, err
}

// apply is terraform apply: refresh, plan, and what the plan says.
func (ws *workspace) apply(ctx context.Context, config block) error {
	p, err := ws.refreshed(ctx)
	if err != nil {
		return err
	}
	plan, err := ws.plan(ctx, p, config)
	switch {
	case err != nil:
		return err
	case plan.replaces:
		// Of what is tainted the plan knows no private state.
		if err := ws.delete(ctx, p, plan.private); err != nil {
			return err
		}
		if plan, err = ws.plan(ctx, p, config); err != nil {
			return err
		}
		return ws.change(ctx, p, plan)
	case plan.empty:
		return nil
	}
	return ws.change(ctx, p, plan)
}

// wantNoChange is terraform plan -detailed-exitcode: an error if the plan is
// not empty.
func (ws *workspace) wantNoChange(ctx context.Context, config block) error {
	p, err := ws.refreshed(ctx)
	if err != nil {
		return err
	}
	plan, err := ws.plan(ctx, p, config)
	if err == nil && !plan.empty {
		err = fmt.Errorf("the plan is not empty: %s becomes %s", ws.describe(), plan.planned)
	}
	return err
}

func (ws *workspace) describe() string {
	if ws.state == nil {
		return "nothing"
	}
	return ws.state.value.String()
}

// refresh is terraform apply -refresh-only.
func (ws *workspace) refresh(ctx context.Context) error {
	_, err := ws.refreshed(ctx)
	return err
}

// refreshed starts the provider and has it read the resource, as every command
// does first.
func (ws *workspace) refreshed(ctx context.Context) (*process, error) {
	p, err := ws.start(ctx)
	if err != nil {
		return nil, err
	}
	return p, ws.read(ctx, p)
}

// destroy is terraform destroy.
func (ws *workspace) destroy(ctx context.Context) error {
	p, err := ws.refreshed(ctx)
	if err != nil || ws.state == nil {
		return err
	}
	null := tftypes.NewValue(p.of, nil)
	resp, err := p.planChange(ctx, ws.state.value, null, null, ws.state.private, ws.state.identity)
	if err != nil {
		return err
	}
	return ws.delete(ctx, p, resp.PlannedPrivate)
}

// bring is terraform import.
func (ws *workspace) bring(ctx context.Context, id string) error {
	p, err := ws.start(ctx)
	if err != nil {
		return err
	}
	resp, err := p.server.ImportResourceState(ctx, &tfprotov6.ImportResourceStateRequest{TypeName: p.resource, ID: id})
	if err != nil {
		return err
	}
	if err := errorsOf(resp.Diagnostics); err != nil {
		return err
	}
	imported := resp.ImportedResources[0]
	value, err := imported.State.Unmarshal(p.of)
	if err != nil {
		return err
	}
	ws.state = &resourceState{value: value, private: imported.Private, identity: imported.Identity}
	if err := ws.read(ctx, p); err != nil {
		ws.state = nil
		return err
	}
	if ws.state == nil {
		return errors.New("cannot import what does not exist")
	}
	return nil
}

// read is the refresh at the beginning of every command.
func (ws *workspace) read(ctx context.Context, p *process) error {
	if ws.state == nil {
		return nil
	}
	current, err := dynamicOf(p.of, ws.state.value)
	if err != nil {
		return err
	}
	resp, err := p.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
		TypeName: p.resource, CurrentState: current, Private: ws.state.private, CurrentIdentity: ws.state.identity,
	})
	if err != nil {
		return err
	}
	if err := errorsOf(resp.Diagnostics); err != nil {
		return err
	}
	value, err := resp.NewState.Unmarshal(p.of)
	if err != nil {
		return err
	}
	if value.IsNull() {
		ws.state = nil
		return nil
	}
	if !value.IsFullyKnown() {
		return fmt.Errorf("%w: unknown values after a refresh: %s", errBroken, value)
	}
	ws.state = &resourceState{value: value, private: resp.Private, identity: resp.NewIdentity, tainted: ws.state.tainted}
	return nil
}

// plannedChange is what a plan says.
type plannedChange struct {
	config, prior, planned tftypes.Value
	private                []byte
	identity               *tfprotov6.ResourceIdentityData
	empty, replaces        bool
}

func (ws *workspace) plan(ctx context.Context, p *process, config block) (*plannedChange, error) {
	configured, err := tftypesValue(p.of, map[string]any(config))
	if err != nil {
		return nil, err
	}
	if err := p.validate(ctx, configured); err != nil {
		return nil, err
	}
	plan := &plannedChange{config: configured, prior: tftypes.NewValue(p.of, nil)}
	var private []byte
	var identity *tfprotov6.ResourceIdentityData
	if ws.state != nil && !ws.state.tainted {
		plan.prior, private, identity = ws.state.value, ws.state.private, ws.state.identity
	}
	plan.replaces = ws.state != nil && ws.state.tainted
	proposed, err := proposedState(p.schema, p.of, plan.prior, configured)
	if err != nil {
		return nil, err
	}
	resp, err := p.planChange(ctx, plan.prior, proposed, configured, private, identity)
	if err != nil {
		return nil, err
	}
	if plan.planned, err = resp.PlannedState.Unmarshal(p.of); err != nil {
		return nil, err
	}
	plan.private, plan.identity = resp.PlannedPrivate, resp.PlannedIdentity
	plan.replaces = plan.replaces || len(resp.RequiresReplace) > 0 && !plan.prior.IsNull()
	plan.empty = !plan.replaces && plan.planned.Equal(plan.prior)
	return plan, ws.checkPlan(p, plan)
}

func (p *process) validate(ctx context.Context, config tftypes.Value) error {
	dynamic, err := dynamicOf(p.of, config)
	if err != nil {
		return err
	}
	resp, err := p.server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: p.resource, Config: dynamic})
	if err != nil {
		return err
	}
	return errorsOf(resp.Diagnostics)
}

func (p *process) planChange(ctx context.Context, prior, proposed, config tftypes.Value, private []byte, identity *tfprotov6.ResourceIdentityData) (*tfprotov6.PlanResourceChangeResponse, error) {
	req := &tfprotov6.PlanResourceChangeRequest{TypeName: p.resource, PriorPrivate: private, PriorIdentity: identity}
	for value, field := range map[*tftypes.Value]**tfprotov6.DynamicValue{
		&prior: &req.PriorState, &proposed: &req.ProposedNewState, &config: &req.Config,
	} {
		dynamic, err := dynamicOf(p.of, *value)
		if err != nil {
			return nil, err
		}
		*field = dynamic
	}
	resp, err := p.server.PlanResourceChange(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp, errorsOf(resp.Diagnostics)
}

// checkPlan holds a plan to Terraform's rule: what the configuration says is
// what is planned.
func (ws *workspace) checkPlan(p *process, plan *plannedChange) error {
	var planned, configured map[string]tftypes.Value
	if err := errors.Join(plan.planned.As(&planned), plan.config.As(&configured)); err != nil {
		return err
	}
	for _, attribute := range p.schema.Block.Attributes {
		want, got := configured[attribute.Name], planned[attribute.Name]
		if !want.IsNull() && attribute.NestedType == nil && !got.Equal(want) {
			return fmt.Errorf("%w: %s is planned as %s, the configuration says %s", errBroken, attribute.Name, got, want)
		}
	}
	return nil
}

// change is the apply of a plan.
func (ws *workspace) change(ctx context.Context, p *process, plan *plannedChange) error {
	req := &tfprotov6.ApplyResourceChangeRequest{TypeName: p.resource, PlannedPrivate: plan.private, PlannedIdentity: plan.identity}
	for value, field := range map[*tftypes.Value]**tfprotov6.DynamicValue{
		&plan.prior: &req.PriorState, &plan.planned: &req.PlannedState, &plan.config: &req.Config,
	} {
		dynamic, err := dynamicOf(p.of, *value)
		if err != nil {
			return err
		}
		*field = dynamic
	}
	resp, err := p.server.ApplyResourceChange(ctx, req)
	if err != nil {
		return err
	}
	value, err := resp.NewState.Unmarshal(p.of)
	if err != nil {
		return err
	}
	failed := errorsOf(resp.Diagnostics)
	switch {
	case !value.IsNull() && !value.IsFullyKnown():
		return fmt.Errorf("%w: unknown values after an apply: %s", errBroken, value)
	case failed != nil && value.IsNull():
		// Terraform keeps what it had.
	case !value.IsNull():
		ws.state = &resourceState{value: value, private: resp.Private, identity: resp.NewIdentity, tainted: failed != nil && plan.prior.IsNull()}
	case plan.planned.IsNull():
		ws.state = nil
	default:
		return fmt.Errorf("%w: no state after an apply that succeeded", errBroken)
	}
	if failed != nil || value.IsNull() {
		return failed
	}
	return consistent(plan.planned, value, "")
}

// consistent holds an apply to Terraform's rule: what was known in the plan is
// what it turns out to be.
func consistent(planned, got tftypes.Value, at string) error {
	if !planned.IsKnown() {
		return nil
	}
	if planned.IsNull() || !planned.Type().Is(tftypes.Object{}) {
		if !planned.Equal(got) {
			return fmt.Errorf("%w: inconsistent result after apply: %s was planned as %s and is %s", errBroken, at, planned, got)
		}
		return nil
	}
	var before, after map[string]tftypes.Value
	if err := errors.Join(planned.As(&before), got.As(&after)); err != nil {
		return err
	}
	for name, value := range before {
		if err := consistent(value, after[name], at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// delete applies the resource's end.
func (ws *workspace) delete(ctx context.Context, p *process, private []byte) error {
	null := tftypes.NewValue(p.of, nil)
	return ws.change(ctx, p, &plannedChange{
		config: null, prior: ws.state.value, planned: null, private: private, identity: ws.state.identity,
	})
}

// proposedState is what Terraform proposes to a plan: the configuration, with
// the prior values of computed attributes that it does not set.
func proposedState(schema *tfprotov6.Schema, of tftypes.Object, prior, config tftypes.Value) (tftypes.Value, error) {
	if prior.IsNull() {
		return config, nil
	}
	var before, configured map[string]tftypes.Value
	if err := errors.Join(prior.As(&before), config.As(&configured)); err != nil {
		return tftypes.Value{}, err
	}
	proposed := maps.Clone(configured) // As gives the value's own map.
	for _, attribute := range schema.Block.Attributes {
		if attribute.Computed && configured[attribute.Name].IsNull() {
			proposed[attribute.Name] = before[attribute.Name]
		}
	}
	return tftypes.NewValue(of, proposed), nil
}

// attribute returns an attribute of the state as text, "" for null.
func (ws *workspace) attribute(name string) string {
	if ws.state == nil {
		return ""
	}
	var attributes map[string]tftypes.Value
	if err := ws.state.value.As(&attributes); err != nil {
		ws.w.t.Fatal(err)
	}
	if value := attributes[name]; value.IsKnown() && !value.IsNull() && value.Type().Is(tftypes.String) {
		var text string
		if err := value.As(&text); err != nil {
			ws.w.t.Fatal(err)
		}
		return text
	}
	return ""
}

// must fails the test if a command that cannot fail has failed.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
