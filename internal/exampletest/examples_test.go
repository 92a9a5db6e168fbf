// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/go-version"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

const (
	region        = "ap-northeast-1"
	repositoryURL = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app"
)

// elsewhere are the examples that another test plays, by the beginning of their
// folder's name, with the reason.
var elsewhere = map[string]string{
	"provider": "provider blocks alone: the tests of the provider validate and plan them",
	"migrate-": "each is two configurations, one after the other: TestMigrations",
	"iam":      "policies, no configurations: the tests of the provider hold it to them",
}

// example is a configuration in examples/: a folder, or, in the folders that
// the pages of resources, data sources and functions show, a file.
type example struct {
	name  string // from examples/, with slashes
	files map[string]string
}

func examples(t *testing.T) []example {
	t.Helper()
	var found []example
	folder := os.DirFS(filepath.Join(root, "examples"))
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".tf" {
			return err
		}
		for begin := range elsewhere {
			if strings.HasPrefix(name, begin) {
				return nil
			}
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		of, file := path.Split(name)
		of = strings.TrimSuffix(of, "/")
		if first, _, _ := strings.Cut(name, "/"); slices.Contains([]string{"resources", "data-sources", "functions"}, first) {
			if strings.HasPrefix(file, "import") {
				return nil // TestImportExamples
			}
			of = name
		}
		if n := len(found); n > 0 && found[n-1].name == of {
			found[n-1].files[file] = string(text)
			return nil
		}
		found = append(found, example{of, map[string]string{file: string(text)}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestExamples applies every example as it stands, wants the next plan to be
// empty, and destroys it.
func TestExamples(t *testing.T) {
	t.Parallel()
	found := examples(t)
	if len(found) < 10 {
		t.Fatalf("found only %d examples", len(found))
	}
	for _, example := range found {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			srv := startAWS(t, sourceRegistries(t)...)
			if prepare, ok := given[example.name]; ok {
				prepare(t, srv)
			}
			w := exampletest.New(t, srv, lambdaseed)
			example.write(t, w)
			if text, ok := tfvars[example.name]; ok {
				w.Write("terraform.tfvars", text)
			}
			if w.Apply().Changes() == "" && !strings.HasPrefix(example.name, "functions/") && !strings.HasPrefix(example.name, "data-sources/") {
				t.Error("the example creates nothing")
			}
			exampletest.Empty(t, w.Plan())
			w.Destroy()
			if left := srv.Repositories(region); len(left) > 0 {
				t.Errorf("repositories are left: %v", left)
			}
			if hosts := srv.RefusedHosts(); len(hosts) > 0 {
				t.Errorf("hosts beyond AWS were asked: %v", hosts)
			}
		})
	}
}

// given is what is there before an example is applied, by the example's name.
var given = map[string]func(*testing.T, *fakeaws.Server){
	"resources/lambdaseed_image_copy/resource_private.tf": pushPrivateSource,
}

// tfvars are what the user of an example has to set, by the example's name.
var tfvars = map[string]string{
	"resources/lambdaseed_image_copy/resource_login.tf": fmt.Sprintf("docker_hub_token = %q\n", sourcePassword),
}

// write brings an example in. What it lacks is put into a file of its own.
func (e example) write(t *testing.T, w *exampletest.Workspace) {
	t.Helper()
	var whole strings.Builder
	for name, text := range e.files {
		w.Write(name, text)
		whole.WriteString(text + "\n")
	}
	_, rest, err := complete(whole.String(), e.name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write("rest_of_the_example.tf", rest)
}

// imports are the resources that can be imported: what their least
// configuration has, their default tag, and what a plan changes beside the
// import.
var imports = map[string]struct{ arguments, tag, changes string }{
	"lambdaseed_placeholder_image": {tag: "lambdaseed-placeholder"},
	"lambdaseed_image_copy": {
		arguments: "  source_image = \"public.ecr.aws/lambda/python:3.13\"\n",
		tag:       "lambdaseed-copy",
		// Where an image is from cannot be seen in it.
		changes: "update lambdaseed_image_copy.app",
	},
}

// TestImportExamples imports with each of the ways that the page of the resource
// shows, and wants nothing else to be planned.
func TestImportExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "examples", "resources", "*", "import*.tf"))
	if err != nil || len(files) < 2 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			srv := startAWS(t, sourceRegistries(t)...)
			w := exampletest.New(t, srv, lambdaseed)
			if identity.Match(text) && w.Version().LessThan(version.Must(version.NewVersion("1.12.0"))) {
				t.Skipf("Terraform %s does not know import by identity, 1.12 does", w.Version())
			}
			w.Write("main.tf", `
terraform {
  required_providers {
    aws        = { source = "hashicorp/aws" }
    lambdaseed = { source = "lambdaseed/lambdaseed" }
  }
}
provider "aws" {
  region = "ap-northeast-1"
}
provider "lambdaseed" {
  region = "ap-northeast-1"
}
resource "aws_ecr_repository" "app" {
  name = "app"
}
`)
			kind := filepath.Base(filepath.Dir(file))
			imported, ok := imports[kind]
			if !ok {
				t.Fatalf("nothing is known of %s", kind)
			}
			seed := fmt.Sprintf("resource %q \"app\" {\n  repository_url = aws_ecr_repository.app.repository_url\n%s}\n", kind, imported.arguments)
			w.Write("seed.tf", seed)
			w.Apply()
			// The resource is forgotten, as in a state that was lost.
			w.Write("seed.tf", "removed {\n  from = "+kind+".app\n  lifecycle {\n    destroy = false\n  }\n}\n")
			w.Apply()

			w.Write("seed.tf", seed)
			w.Write("import.tf", string(text))
			plan := w.Plan()
			if plan.Changes() != imported.changes || !plan.Imports(kind+".app") {
				t.Errorf("the plan is not just the import: %q", plan.Changes())
			}
			w.ApplyPlan(plan)
			exampletest.Empty(t, w.Plan())

			// What was imported is not deleted.
			if _, err := ecr.NewFromConfig(srv.AWSConfig(region)).BatchDeleteImage(t.Context(), deleteTag(imported.tag)); err != nil {
				t.Fatal(err)
			}
			w.Destroy()
		})
	}
}

// TestImportCommands checks that the commands name what the blocks name.
func TestImportCommands(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "examples", "resources", "*", "import.sh"))
	if err != nil || len(files) < 1 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		command, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		block, err := os.ReadFile(filepath.Join(filepath.Dir(file), "import-by-string-id.tf"))
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(string(command))
		if len(words) != 4 || words[0] != "terraform" || words[1] != "import" ||
			!strings.Contains(string(block), "= "+words[2]+"\n") || !strings.Contains(string(block), `= "`+words[3]+`"`) {
			t.Errorf("%s: %q does not do what the import block does:\n%s", file, command, block)
		}
	}
}

func deleteTag(tag string) *ecr.BatchDeleteImageInput {
	return &ecr.BatchDeleteImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: &tag}}}
}
