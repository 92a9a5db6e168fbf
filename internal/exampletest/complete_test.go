// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Documentation shows fragments. To be validated, and applied, a fragment is
// completed, by rule and not by hand:
//
//   - what it refers to and does not define comes from testdata/library.tf, with
//     what that refers to in turn;
//   - arguments outside of any block are those of an aws_lambda_function;
//   - providers that it uses and does not name are required and get a block.
//
// A fragment that refers to something unknown fails its test.

// sources are where the providers come from that documentation speaks of.
var sources = map[string]string{
	"aws":        "hashicorp/aws",
	"lambdaseed": "lambdaseed/lambdaseed",
	"docker":     "kreuzwerker/docker",
	"dockerless": "nullstone-io/dockerless",
}

// fragment is a piece of Terraform configuration.
type fragment struct {
	text string
	body *hclsyntax.Body
}

func parse(text, name string) (fragment, error) {
	file, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return fragment{}, diags
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return fragment{}, fmt.Errorf("%s is not in HCL's own syntax", name)
	}
	return fragment{text, body}, nil
}

// library is what fragments may refer to, by address.
var library = sync.OnceValues(func() (map[string]fragment, error) {
	const name = "testdata/library.tf"
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := parse(string(text), name)
	if err != nil {
		return nil, err
	}
	blocks := map[string]fragment{}
	for _, block := range all.body.Blocks {
		piece := string(text[block.Range().Start.Byte:block.CloseBraceRange.End.Byte])
		one, err := parse(piece, name)
		if err != nil {
			return nil, err
		}
		for _, address := range one.defines() {
			blocks[address] = one
		}
	}
	return blocks, nil
})

// complete makes a configuration of a fragment. What is added is returned by
// itself, so that the fragment stays as it is, unless it is made of arguments.
func complete(text, name string) (main, rest string, err error) {
	f, err := parse(text, name)
	if err != nil {
		return "", "", err
	}
	if len(f.body.Attributes) > 0 {
		if f, err = parse(asFunction(f), name); err != nil {
			return "", "", err
		}
	}
	known, err := library()
	if err != nil {
		return "", "", err
	}

	var added []string
	defined, queue := f.defines(), f.refers()
	whole := []fragment{f}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		if slices.Contains(defined, address) {
			continue
		}
		more, ok := known[address]
		if !ok {
			return "", "", fmt.Errorf("%s refers to %s, which neither it nor testdata/library.tf defines", name, address)
		}
		defined = append(defined, more.defines()...)
		queue = append(queue, more.refers()...)
		whole, added = append(whole, more), append(added, more.text)
	}
	added = append(added, providers(f, whole))
	return f.text, strings.Join(added, "\n\n"), nil
}

// asFunction puts arguments into a function.
func asFunction(f fragment) string {
	text := "resource \"aws_lambda_function\" \"fragment\" {\n" + f.text + "\n"
	for name, value := range map[string]string{"function_name": `"fragment"`, "role": "aws_iam_role.app.arn", "package_type": `"Image"`} {
		if _, ok := f.body.Attributes[name]; !ok {
			text += name + " = " + value + "\n"
		}
	}
	return text + "}\n"
}

// defines lists the addresses that a fragment defines.
func (f fragment) defines() []string {
	var addresses []string
	for _, block := range f.body.Blocks {
		switch block.Type {
		case "resource":
			addresses = append(addresses, strings.Join(block.Labels, "."))
		case "data", "module":
			addresses = append(addresses, block.Type+"."+strings.Join(block.Labels, "."))
		case "variable":
			addresses = append(addresses, "var."+block.Labels[0])
		case "locals":
			for name := range block.Body.Attributes {
				addresses = append(addresses, "local."+name)
			}
		}
	}
	return addresses
}

// refers lists the addresses that a fragment refers to. What moved and removed
// blocks name is what is no longer there.
func (f fragment) refers() []string {
	found := map[string]bool{}
	for _, block := range f.body.Blocks {
		if block.Type == "moved" || block.Type == "removed" {
			continue
		}
		_ = hclsyntax.VisitAll(block.Body, func(node hclsyntax.Node) hcl.Diagnostics {
			if expression, ok := node.(*hclsyntax.ScopeTraversalExpr); ok {
				if address := addressOf(expression.Traversal); address != "" {
					found[address] = true
				}
			}
			return nil
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// addressOf is what a traversal begins with, "" for what nobody has to define.
func addressOf(traversal hcl.Traversal) string {
	var names []string
	for _, step := range traversal {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		}
	}
	length := 2
	if names[0] == "data" {
		length = 3
	}
	ofResource := strings.Contains(names[0], "_") || slices.Contains([]string{"data", "var", "local", "module"}, names[0])
	if !ofResource || len(names) < length {
		return ""
	}
	return strings.Join(names[:length], ".")
}

// providers writes the provider blocks that a fragment lacks, and, if it has no
// required_providers of its own, all that the whole needs.
func providers(f fragment, whole []fragment) string {
	used, own, required := map[string]bool{}, map[string]bool{}, false
	for _, part := range whole {
		for _, name := range part.usesProviders() {
			used[name] = true
		}
	}
	for _, block := range f.body.Blocks {
		switch block.Type {
		case "provider":
			if _, aliased := block.Body.Attributes["alias"]; !aliased {
				own[block.Labels[0]] = true
			}
		case "terraform":
			for _, inner := range block.Body.Blocks {
				required = required || inner.Type == "required_providers"
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if (name == "aws" || name == "lambdaseed") && !own[name] {
			fmt.Fprintf(&b, "provider %q {\n  region = \"ap-northeast-1\"\n}\n\n", name)
		}
	}
	if !required {
		b.WriteString("terraform {\n  required_providers {\n")
		for _, name := range slices.Sorted(maps.Keys(used)) {
			fmt.Fprintf(&b, "    %s = {\n      source = %q\n    }\n", name, sources[name])
		}
		b.WriteString("  }\n}\n")
	}
	return b.String()
}

// usesProviders lists the local names of the providers that a fragment uses.
func (f fragment) usesProviders() []string {
	found := map[string]bool{}
	note := func(name string) {
		if sources[name] != "" {
			found[name] = true
		}
	}
	for _, block := range f.body.Blocks {
		switch block.Type {
		case "resource", "data":
			name, _, _ := strings.Cut(block.Labels[0], "_")
			note(name)
		case "provider":
			note(block.Labels[0])
		}
		_ = hclsyntax.VisitAll(block.Body, func(node hclsyntax.Node) hcl.Diagnostics {
			if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && strings.HasPrefix(call.Name, "provider::") {
				note(strings.Split(call.Name, "::")[1])
			}
			return nil
		})
	}
	return slices.Sorted(maps.Keys(found))
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`resource "aws_ecr_repository" "app" { name = "app" }`:   `required_providers { aws = { source = "hashicorp/aws" } }`,
		`image_uri = lambdaseed_placeholder_image.app.image_uri`: `resource "aws_ecr_repository" "app"`,
		`removed {
			from = docker_image.gone
			lifecycle { destroy = false }
		}`: `required_providers { }`,
		`output "x" { value = provider::lambdaseed::parse_image_uri("x") }`: `lambdaseed = { source = "lambdaseed/lambdaseed" }`,
	} {
		_, rest, err := complete(text, "x.tf")
		if got := strings.Join(strings.Fields(rest), " "); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s is completed by %q, want %q (%v)", text, got, want, err)
		}
	}
	const unknown = `output "x" { value = aws_unheard_of.app.arn }`
	if _, _, err := complete(unknown, "x.tf"); err == nil || err.Error() != "x.tf refers to aws_unheard_of.app, which neither it nor testdata/library.tf defines" {
		t.Errorf("%s: got %v", unknown, err)
	}
}
