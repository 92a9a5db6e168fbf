// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command docschema prints the provider's schema in the form of `terraform
// providers schema -json`, for the generator of docs/. What Terraform itself
// prints depends on its version (write-only arguments since 1.11, identities
// since 1.12), and docs that are compared must not.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/provider"
)

// name is the provider's, as the generator looks for it.
const name = "lambdaseed"

func main() {
	if err := write(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func write(ctx context.Context, to io.Writer) error {
	server := provider.NewServer("docs")()
	schema, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return err
	}
	for _, d := range schema.Diagnostics {
		return fmt.Errorf("%s: %s", d.Summary, d.Detail)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(object{
		"format_version": "1.0",
		"provider_schemas": object{name: object{
			"provider":                  schemaOf(schema.Provider),
			"resource_schemas":          each(schema.ResourceSchemas, schemaOf),
			"data_source_schemas":       each(schema.DataSourceSchemas, schemaOf),
			"functions":                 each(schema.Functions, function),
			"resource_identity_schemas": each(identities.IdentitySchemas, identity),
		}},
	})
}

// object is a JSON object.
type object map[string]any

// each converts the values of a map.
func each[T, U any](in map[string]T, convert func(T) U) object {
	out := object{}
	for name, value := range in {
		out[name] = convert(value)
	}
	return out
}

func schemaOf(s *tfprotov6.Schema) object {
	return object{"version": s.Version, "block": block(s.Block)}
}

func block(b *tfprotov6.SchemaBlock) object {
	nested := object{}
	for _, n := range b.BlockTypes {
		nested[n.TypeName] = object{
			"nesting_mode": word(n.Nesting), "block": block(n.Block), "min_items": n.MinItems, "max_items": n.MaxItems,
		}
	}
	return object{
		"attributes": attributes(b.Attributes), "block_types": nested, "deprecated": b.Deprecated,
		"description": b.Description, "description_kind": word(b.DescriptionKind),
	}
}

func attributes(all []*tfprotov6.SchemaAttribute) object {
	out := object{}
	for _, a := range all {
		described := object{
			"description": a.Description, "description_kind": word(a.DescriptionKind), "deprecated": a.Deprecated,
			"required": a.Required, "optional": a.Optional, "computed": a.Computed,
			"sensitive": a.Sensitive, "write_only": a.WriteOnly,
		}
		if a.NestedType != nil {
			described["nested_type"] = object{"attributes": attributes(a.NestedType.Attributes), "nesting_mode": word(a.NestedType.Nesting)}
		} else {
			described["type"] = typeOf(a.Type)
		}
		out[a.Name] = described
	}
	return out
}

func identity(s *tfprotov6.ResourceIdentitySchema) object {
	out := object{}
	for _, a := range s.IdentityAttributes {
		out[a.Name] = object{
			"type": typeOf(a.Type), "description": a.Description,
			"required_for_import": a.RequiredForImport, "optional_for_import": a.OptionalForImport,
		}
	}
	return object{"version": s.Version, "attributes": out}
}

func function(f *tfprotov6.Function) object {
	parameters := make([]object, len(f.Parameters))
	for i, p := range f.Parameters {
		parameters[i] = parameter(p)
	}
	out := object{
		"description": f.Description, "summary": f.Summary, "deprecation_message": f.DeprecationMessage,
		"return_type": typeOf(f.Return.Type), "parameters": parameters,
	}
	if f.VariadicParameter != nil {
		out["variadic_parameter"] = parameter(f.VariadicParameter)
	}
	return out
}

func parameter(p *tfprotov6.FunctionParameter) object {
	return object{"name": p.Name, "description": p.Description, "is_nullable": p.AllowNullValue, "type": typeOf(p.Type)}
}

// typeOf writes a type as Terraform does: "string", ["list", "string"].
func typeOf(t tftypes.Type) any {
	switch t := t.(type) {
	case tftypes.List:
		return []any{"list", typeOf(t.ElementType)}
	case tftypes.Set:
		return []any{"set", typeOf(t.ElementType)}
	case tftypes.Map:
		return []any{"map", typeOf(t.ElementType)}
	case tftypes.Object:
		return []any{"object", each(t.AttributeTypes, typeOf)}
	}
	switch {
	case t.Is(tftypes.String):
		return "string"
	case t.Is(tftypes.Number):
		return "number"
	case t.Is(tftypes.Bool):
		return "bool"
	}
	return "dynamic"
}

// word is an enumeration's name as it stands in JSON.
func word(s fmt.Stringer) string { return strings.ToLower(s.String()) }
