// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-version"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/provider"
)

// The languages of code blocks, and whether they hold Terraform configuration.
var languages = map[string]bool{
	"terraform":  true,
	"hcl":        false, // the configuration of Terraform's command line
	"json":       false,
	"shell":      false,
	"text":       false,
	"dockerfile": false,
	"typescript": false,
	"yaml":       false,
}

// lambdaseed is the provider under test. It waits less than it would for AWS.
func lambdaseed() (tfprotov6.ProviderServer, error) {
	return provider.NewServer("0.1.0",
		provider.WithKeychain(noLogins{}),
		provider.WithECROptions(ecrrepo.WithTiming(20*time.Millisecond, 5*time.Millisecond)))(), nil
}

func startAWS(t *testing.T, opts ...fakeaws.Option) *fakeaws.Server {
	t.Helper()
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return srv
}

func TestCodeBlocksSayTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, block := range blocksOf(t) {
		if _, ok := languages[block.language]; !ok {
			t.Errorf("%s: the language is %q", block, block.language)
		}
		if block.language == "json" && !json.Valid([]byte(block.text)) {
			t.Errorf("%s is not JSON", block)
		}
	}
}

// TestHCLInDocsIsFormatted formats all blocks in one run of Terraform.
func TestHCLInDocsIsFormatted(t *testing.T) {
	t.Parallel()
	w := exampletest.New(t, startAWS(t), lambdaseed)
	blocks := map[string]codeBlock{}
	for i, block := range blocksOf(t) {
		if languages[block.language] || block.language == "hcl" {
			name := fmt.Sprintf("%03d.tf", i)
			blocks[name] = block
			w.Write(name, block.text)
		}
	}
	if len(blocks) == 0 {
		t.Fatal("found no block")
	}
	// Exit code 3 tells files that are to be formatted, and their names are printed.
	out, err := w.Run(".", "fmt", "-check", "-list=true", "-no-color")
	for name := range strings.FieldsSeq(out) {
		t.Errorf("%s is not formatted as terraform fmt does", blocks[name])
	}
	if err != nil && out == "" {
		t.Error(err)
	}
}

// TestHCLInDocsIsValid completes every block and validates it. Most are modules
// of one configuration, validated in one run. Import blocks may stand in a root
// module only.
func TestHCLInDocsIsValid(t *testing.T) {
	t.Parallel()
	w := exampletest.New(t, startAWS(t), lambdaseed, oldProviders()...)
	names := map[string]codeBlock{}
	roots := []string{"."}
	var modules strings.Builder
	modules.WriteString("resource \"terraform_data\" \"unknown\" {\n}\n\n")
	for i, block := range blocksOf(t) {
		if !languages[block.language] {
			continue
		}
		main, rest, err := complete(block.text, block.String())
		if err != nil {
			t.Error(err)
			continue
		}
		name := fmt.Sprintf("block%03d", i)
		names[name] = block
		w.Write(name+"/main.tf", main)
		w.Write(name+"/rest.tf", rest)
		if strings.Contains(block.text, "\nimport {") || strings.HasPrefix(block.text, "import {") {
			if identity.MatchString(block.text) && w.Version().LessThan(version.Must(version.NewVersion("1.12.0"))) {
				t.Logf("NOT VALIDATED: %s: Terraform %s does not know import by identity, 1.12 does", block, w.Version())
				continue
			}
			roots = append(roots, name)
			continue
		}
		fmt.Fprintf(&modules, "module %q {\n  source = \"./%s\"\n", name, name)
		for _, variable := range variables(main) {
			fmt.Fprintf(&modules, "  %s = terraform_data.unknown.output\n", variable)
		}
		modules.WriteString("}\n\n")
	}
	w.Write("main.tf", modules.String())
	if len(names) == 0 {
		t.Fatal("found no block")
	}
	for _, folder := range roots {
		for _, diagnostic := range validate(t, w, folder) {
			where := folder
			if diagnostic.Range != nil {
				where = filepath.ToSlash(filepath.Join(folder, diagnostic.Range.Filename))
			}
			name, file, _ := strings.Cut(where, "/")
			if block, ok := names[name]; ok {
				where = block.String()
				if file == "rest.tf" {
					where += ", in what completes it"
				}
			}
			t.Errorf("%s: %s: %s", where, diagnostic.Summary, diagnostic.Detail)
		}
	}
}

var identity = regexp.MustCompile(`(?m)^\s*identity\s*=`)

// validate returns errors and warnings.
func validate(t *testing.T, w *exampletest.Workspace, folder string) []tfjson.Diagnostic {
	t.Helper()
	if out, err := w.Run(folder, "init", "-backend=false", "-input=false", "-no-color"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := w.Run(folder, "validate", "-json")
	var result tfjson.ValidateOutput
	if json.Unmarshal([]byte(out), &result) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return result.Diagnostics
}

// variables lists what a module needs to be given.
func variables(text string) []string {
	f, err := parse(text, "main.tf")
	if err != nil {
		return nil
	}
	var names []string
	for _, block := range f.body.Blocks {
		if block.Type == "variable" {
			names = append(names, block.Labels[0])
		}
	}
	return names
}

// link is a link of Markdown, inline.
var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// TestLinksLeadSomewhere checks the links between files of the project, and
// their anchors. Pages name each other with .md, which works in the registry as
// it does where the source is shown.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, page := range append(pages(t), "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md", "CHANGELOG.md") {
		texts[page] = read(t, page)
	}
	for page, text := range texts {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			to := page
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(filepath.FromSlash(page)), filepath.FromSlash(target)))
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, match[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, to)), anchor) {
				t.Errorf("%s: %s has no heading for #%s", page, to, anchor)
			}
		}
	}
}

var (
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\s_-]`)
	namedAnchor  = regexp.MustCompile(`<a id="([^"]+)">`)
)

// anchors are what the headings of a page are called in links.
func anchors(text string) []string {
	var found []string
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if heading := strings.TrimLeft(line, "#"); !code && heading != line {
			words := notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			found = append(found, strings.ReplaceAll(words, " ", "-"))
		}
	}
	for _, match := range namedAnchor.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
