// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// block is a provider block as Go values: string, bool, int, []any for lists
// and sets, map[string]any for maps and nested blocks, and unknown. What is
// not in it is null.
type block map[string]any

// unknown stands for a value that Terraform does not know yet.
var unknown = new(struct{})

// servedProvider talks to the provider as Terraform does, over the plugin
// protocol, but in this process and without a Terraform executable.
type servedProvider struct {
	t        *testing.T
	server   tfprotov6.ProviderServer
	schema   tftypes.Object
	settings awsconfig.Settings // what Configure made of the block
}

func serve(t *testing.T) *servedProvider {
	t.Helper()
	p := &servedProvider{t: t}
	server := NewServer("1.2.3", WithSettings(func(s *awsconfig.Settings) { p.settings = *s }))()
	p.server = server
	resp, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	p.fail(resp.Diagnostics)
	var ok bool
	if p.schema, ok = resp.Provider.ValueType().(tftypes.Object); !ok {
		t.Fatalf("the provider block is a %T", resp.Provider.ValueType())
	}
	return p
}

// validate returns the diagnostics of a block, each as "severity: path:
// summary: detail". A detail that begins by naming the path is cut.
func (p *servedProvider) validate(b block) []string {
	p.t.Helper()
	resp, err := p.server.ValidateProviderConfig(p.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: p.config(b)})
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for _, d := range resp.Diagnostics {
		at := ""
		if d.Attribute != nil {
			at = argumentName(d.Attribute)
		}
		detail := strings.TrimPrefix(d.Detail, "Attribute "+at+": ")
		out = append(out, fmt.Sprintf("%s: %s: %s: %s", d.Severity, at, d.Summary, detail))
	}
	slices.Sort(out)
	return out
}

// configure runs Configure and returns the settings it made.
func (p *servedProvider) configure(b block) awsconfig.Settings {
	p.t.Helper()
	resp, err := p.server.ConfigureProvider(p.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: p.config(b), TerraformVersion: "1.11.4"})
	if err != nil {
		p.t.Fatal(err)
	}
	p.fail(resp.Diagnostics)
	return p.settings
}

func (p *servedProvider) config(b block) *tfprotov6.DynamicValue {
	p.t.Helper()
	value, err := tftypesValue(p.schema, map[string]any(b))
	if err != nil {
		p.t.Fatal(err)
	}
	dynamic, err := tfprotov6.NewDynamicValue(p.schema, value)
	if err != nil {
		p.t.Fatal(err)
	}
	return &dynamic
}

func (p *servedProvider) fail(diagnostics []*tfprotov6.Diagnostic) {
	p.t.Helper()
	for _, d := range diagnostics {
		p.t.Fatalf("%s: %s: %s", d.Severity, d.Summary, d.Detail)
	}
}

// tftypesValue converts a Go value to a value of a type. Absent blocks become
// empty lists and sets, as Terraform sends them; the protocol's type does not
// tell them from attributes, but their elements are objects.
func tftypesValue(typ tftypes.Type, in any) (tftypes.Value, error) {
	if in == unknown {
		return tftypes.NewValue(typ, tftypes.UnknownValue), nil
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		if in == nil {
			return tftypes.NewValue(typ, nil), nil
		}
		fields, _ := in.(map[string]any)
		out := map[string]tftypes.Value{}
		for name, fieldType := range typ.AttributeTypes {
			value, err := tftypesValue(fieldType, fields[name])
			if err != nil {
				return tftypes.Value{}, fmt.Errorf("%s: %w", name, err)
			}
			out[name] = value
		}
		for name := range fields {
			if _, ok := typ.AttributeTypes[name]; !ok {
				return tftypes.Value{}, fmt.Errorf("there is no argument %s", name)
			}
		}
		return tftypes.NewValue(typ, out), nil
	case tftypes.List:
		return tftypesElements(typ, typ.ElementType, in)
	case tftypes.Set:
		return tftypesElements(typ, typ.ElementType, in)
	case tftypes.Map:
		if in == nil {
			return tftypes.NewValue(typ, nil), nil
		}
		entries, ok := in.(map[string]any)
		if !ok {
			return tftypes.Value{}, fmt.Errorf("%T is no map", in)
		}
		out := map[string]tftypes.Value{}
		for name, entry := range entries {
			value, err := tftypesValue(typ.ElementType, entry)
			if err != nil {
				return tftypes.Value{}, err
			}
			out[name] = value
		}
		return tftypes.NewValue(typ, out), nil
	}
	if err := tftypes.ValidateValue(typ, in); err != nil {
		return tftypes.Value{}, err
	}
	return tftypes.NewValue(typ, in), nil
}

func tftypesElements(typ, elementType tftypes.Type, in any) (tftypes.Value, error) {
	if in == nil && !elementType.Is(tftypes.Object{}) {
		return tftypes.NewValue(typ, nil), nil
	}
	elements, ok := in.([]any)
	if !ok && in != nil {
		return tftypes.Value{}, fmt.Errorf("%T is no list", in)
	}
	out := []tftypes.Value{}
	for _, element := range elements {
		value, err := tftypesValue(elementType, element)
		if err != nil {
			return tftypes.Value{}, err
		}
		out = append(out, value)
	}
	return tftypes.NewValue(typ, out), nil
}
