// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// reader reads data sources of a configured provider as Terraform does, but
// without a Terraform executable, so that a case costs next to nothing.
type reader struct {
	*servedProvider
	t       *testing.T
	schemas map[string]*tfprotov6.Schema
}

// reader serves a provider that reaches the world's server. Calls are not
// retried, so that a test sees every answer.
func (w *world) reader(provider block) *reader {
	w.t.Helper()
	p := serve(w.t)
	b := block{
		"region": testRegion, "access_key": providerKey, "secret_key": "test-secret",
		"https_proxy": w.URL(), "custom_ca_bundle": w.ca, "max_retries": 1,
	}
	maps.Copy(b, provider)
	p.configure(b)
	resp, err := p.server.GetProviderSchema(w.t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return &reader{servedProvider: p, t: w.t, schemas: resp.DataSourceSchemas}
}

func (r *reader) dataConfig(name string, config block) (*tfprotov6.DynamicValue, tftypes.Type) {
	r.t.Helper()
	of := r.schemas[name].ValueType()
	value, err := tftypesValue(of, map[string]any(config))
	if err != nil {
		r.t.Fatal(err)
	}
	dynamic, err := tfprotov6.NewDynamicValue(of, value)
	if err != nil {
		r.t.Fatal(err)
	}
	return &dynamic, of
}

// read validates and reads a data source. The problems are those of either, each
// as "attribute: summary: detail".
func (r *reader) read(name string, config block) (attributes map[string]any, problems []string) {
	r.t.Helper()
	dynamic, of := r.dataConfig(name, config)
	validated, err := r.server.ValidateDataResourceConfig(r.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: dynamic})
	if err != nil {
		r.t.Fatal(err)
	}
	if problems := problemsOf(validated.Diagnostics); len(problems) > 0 {
		return nil, problems
	}
	resp, err := r.server.ReadDataSource(r.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: dynamic})
	if err != nil {
		r.t.Fatal(err)
	}
	if problems := problemsOf(resp.Diagnostics); len(problems) > 0 {
		return nil, problems
	}
	state, err := resp.State.Unmarshal(of)
	if err != nil {
		r.t.Fatal(err)
	}
	attributes, ok := goValue(r.t, state).(map[string]any)
	if !ok {
		r.t.Fatalf("%s has no state", name)
	}
	return attributes, nil
}

// mustRead is read for what succeeds.
func (r *reader) mustRead(name string, config block) map[string]any {
	r.t.Helper()
	attributes, problems := r.read(name, config)
	if len(problems) > 0 {
		r.t.Fatalf("%v: %s", config, strings.Join(problems, "\n"))
	}
	return attributes
}

func problemsOf(diagnostics []*tfprotov6.Diagnostic) []string {
	problems := make([]string, len(diagnostics))
	for i, d := range diagnostics {
		at := ""
		if d.Attribute != nil {
			at = argumentName(d.Attribute)
		}
		problems[i] = fmt.Sprintf("%s: %s: %s", at, d.Summary, d.Detail)
	}
	slices.Sort(problems)
	return problems
}

// goValue is a value as string, bool, int64, []any, map[string]any or nil.
func goValue(t *testing.T, v tftypes.Value) any {
	t.Helper()
	if !v.IsKnown() {
		t.Fatalf("unknown value %s", v)
	}
	if v.IsNull() {
		return nil
	}
	var err error
	switch {
	case v.Type().Is(tftypes.String):
		var s string
		if err = v.As(&s); err == nil {
			return s
		}
	case v.Type().Is(tftypes.Bool):
		var b bool
		if err = v.As(&b); err == nil {
			return b
		}
	case v.Type().Is(tftypes.Number):
		n := new(big.Float)
		if err = v.As(n); err == nil {
			i, _ := n.Int64()
			return i
		}
	case v.Type().Is(tftypes.Object{}):
		var fields map[string]tftypes.Value
		if err = v.As(&fields); err == nil {
			out := map[string]any{}
			for name, field := range fields {
				out[name] = goValue(t, field)
			}
			return out
		}
	default:
		var elements []tftypes.Value
		if err = v.As(&elements); err == nil {
			out := []any{}
			for _, element := range elements {
				out = append(out, goValue(t, element))
			}
			return out
		}
	}
	t.Fatal(err)
	return nil
}

// expect compares some of a data source's attributes.
func expect(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if fmt.Sprintf("%#v", got[name]) != fmt.Sprintf("%#v", want[name]) {
			t.Errorf("%s = %#v, want %#v", name, got[name], want[name])
		}
	}
}

// expectProblem wants one problem, at an attribute, that says all of the texts.
func expectProblem(t *testing.T, problems []string, attribute string, texts ...string) {
	t.Helper()
	if len(problems) != 1 {
		t.Fatalf("%d problems: %s", len(problems), strings.Join(problems, "\n"))
	}
	if !strings.HasPrefix(problems[0], attribute+": ") {
		t.Errorf("the problem is not at %s: %s", attribute, problems[0])
	}
	for _, text := range texts {
		if !strings.Contains(problems[0], text) {
			t.Errorf("the problem does not say %q: %s", text, problems[0])
		}
	}
}

// expectRequests compares the operations that the provider has asked for since
// the last reset, and resets.
func (w *world) expectRequests(want ...string) {
	w.t.Helper()
	if got := w.providerRequests(); !slices.Equal(got, want) {
		w.t.Errorf("requests: %v, want %v", got, want)
	}
	w.ResetRequests()
}
