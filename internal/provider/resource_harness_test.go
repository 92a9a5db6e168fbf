// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// managed is one resource of a configured provider, led through its life as
// Terraform does, but without a Terraform executable, so that a case costs next
// to nothing. Its methods return the diagnostics.
type managed struct {
	*servedProvider
	name    string
	schema  *tfprotov6.Schema
	of      tftypes.Object
	state   *tfprotov6.DynamicValue // nil: none
	private []byte
}

// managed serves a provider that reaches the world's server.
func (w *world) managed(name string, provider block) *managed {
	w.t.Helper()
	server := NewServer("test", WithECROptions(ecrrepo.WithTiming(20*time.Millisecond, 5*time.Millisecond)))()
	resp, err := server.GetProviderSchema(w.t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	p := &servedProvider{t: w.t, server: server, schema: objectType(w.t, resp.Provider)}
	m := &managed{servedProvider: p, name: name, schema: resp.ResourceSchemas[name], of: objectType(w.t, resp.ResourceSchemas[name])}
	m.reconfigure(w.providerBlock(provider))
	return m
}

// reconfigure gives the provider another block.
func (m *managed) reconfigure(b block) { m.configure(b) }

func objectType(t *testing.T, schema *tfprotov6.Schema) tftypes.Object {
	t.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		t.Fatalf("a schema is a %T", schema.ValueType())
	}
	return object
}

// providerBlock leads to the world's server, and tries nothing twice.
func (w *world) providerBlock(more block) block {
	b := block{
		"region": testRegion, "access_key": providerKey, "secret_key": "test-secret",
		"https_proxy": w.URL(), "custom_ca_bundle": w.ca, "max_retries": 1,
	}
	maps.Copy(b, more)
	return b
}

// values makes the resource's values of a configuration. What is absent is null,
// where it is an attribute, and empty where it is a block.
func (m *managed) values(config block) map[string]tftypes.Value {
	m.t.Helper()
	values := map[string]tftypes.Value{}
	for _, attribute := range m.schema.Block.Attributes {
		of := m.of.AttributeTypes[attribute.Name]
		in, ok := config[attribute.Name]
		if !ok {
			values[attribute.Name] = tftypes.NewValue(of, nil)
			continue
		}
		values[attribute.Name] = m.value(of, in)
	}
	for _, nested := range m.schema.Block.BlockTypes {
		values[nested.TypeName] = m.value(m.of.AttributeTypes[nested.TypeName], config[nested.TypeName])
	}
	return values
}

func (m *managed) value(of tftypes.Type, in any) tftypes.Value {
	m.t.Helper()
	if nested, ok := in.(block); ok {
		in = map[string]any(nested)
	}
	value, err := tftypesValue(of, in)
	if err != nil {
		m.t.Fatal(err)
	}
	return value
}

func (m *managed) dynamic(value tftypes.Value) *tfprotov6.DynamicValue {
	m.t.Helper()
	dynamic, err := tfprotov6.NewDynamicValue(m.of, value)
	if err != nil {
		m.t.Fatal(err)
	}
	return &dynamic
}

func (m *managed) null() *tfprotov6.DynamicValue { return m.dynamic(tftypes.NewValue(m.of, nil)) }

func (m *managed) prior() *tfprotov6.DynamicValue {
	if m.state == nil {
		return m.null()
	}
	return m.state
}

// proposed is what Terraform proposes for a plan: the configuration, and where
// that says nothing of what is computed, the prior value.
func (m *managed) proposed(config map[string]tftypes.Value) *tfprotov6.DynamicValue {
	m.t.Helper()
	values := maps.Clone(config)
	if m.state != nil {
		state, err := m.state.Unmarshal(m.of)
		if err != nil {
			m.t.Fatal(err)
		}
		was := map[string]tftypes.Value{}
		if state.IsNull() {
			return m.dynamic(tftypes.NewValue(m.of, values))
		}
		if err := state.As(&was); err != nil {
			m.t.Fatal(err)
		}
		for _, attribute := range m.schema.Block.Attributes {
			if attribute.Computed && values[attribute.Name].IsNull() {
				values[attribute.Name] = was[attribute.Name]
			}
		}
	}
	return m.dynamic(tftypes.NewValue(m.of, values))
}

// apply validates, plans and applies.
func (m *managed) apply(config block) []*tfprotov6.Diagnostic {
	m.t.Helper()
	values := m.values(config)
	dynamic := m.dynamic(tftypes.NewValue(m.of, values))
	validated, err := m.server.ValidateResourceConfig(m.t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: m.name, Config: dynamic, ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if failed(validated.Diagnostics) {
		return validated.Diagnostics
	}
	planned, err := m.server.PlanResourceChange(m.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: m.name, PriorState: m.prior(), ProposedNewState: m.proposed(values), Config: dynamic, PriorPrivate: m.private,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	all := append(validated.Diagnostics, planned.Diagnostics...)
	if failed(planned.Diagnostics) {
		return all
	}
	return append(all, m.change(planned.PlannedState, dynamic, planned.PlannedPrivate)...)
}

func (m *managed) destroy() []*tfprotov6.Diagnostic {
	m.t.Helper()
	return m.change(m.null(), m.null(), m.private)
}

func (m *managed) change(planned, config *tfprotov6.DynamicValue, private []byte) []*tfprotov6.Diagnostic {
	m.t.Helper()
	applied, err := m.server.ApplyResourceChange(m.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: m.name, PriorState: m.prior(), PlannedState: planned, Config: config, PlannedPrivate: private,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.state, m.private = applied.NewState, applied.Private
	return applied.Diagnostics
}

func (m *managed) refresh() []*tfprotov6.Diagnostic {
	m.t.Helper()
	read, err := m.server.ReadResource(m.t.Context(), &tfprotov6.ReadResourceRequest{TypeName: m.name, CurrentState: m.prior(), Private: m.private})
	if err != nil {
		m.t.Fatal(err)
	}
	m.state, m.private = read.NewState, read.Private
	return read.Diagnostics
}

func (m *managed) importID(id string) []*tfprotov6.Diagnostic {
	m.t.Helper()
	imported, err := m.server.ImportResourceState(m.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: m.name, ID: id})
	if err != nil {
		m.t.Fatal(err)
	}
	return imported.Diagnostics
}

func failed(diagnostics []*tfprotov6.Diagnostic) bool {
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}
