// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
)

// pendingChanges are what a user may change in the examples without meaning the
// function's image. what is the resource that changes.
var pendingChanges = []struct {
	name, before, after, what string
}{
	{
		"the seed's answer", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  http_response  = { status_code = 500 }", "update " + seedAddress,
	},
	{
		"the seed's architecture", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  architectures  = [\"arm64\"]", "update " + seedAddress,
	},
	{
		"the seed's rule", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  if_exists      = \"error\"", "update " + seedAddress,
	},
	{
		"the repository", `resource "aws_ecr_repository" "app" {`,
		"resource \"aws_ecr_repository\" \"app\" {\n  image_tag_mutability = \"IMMUTABLE\"", "update aws_ecr_repository.app",
	},
	{"the function", plainFunction, moreMemory, "update " + functionAddress},
	{"the role", `name = "app"` + "\n  assume", "name = \"app\"\n  description = \"changed\"\n  assume", "update aws_iam_role.app"},
}

// No pending change of seed, repository, function or role puts the read of a
// data source off, before the hand-over and after it: the function is not in the
// plan, or only with its own change and the image that it has.
func TestHandover_nothingIsDeferred(t *testing.T) {
	t.Parallel()
	for _, flow := range []string{
		"handover-function-image", "handover-ssm-parameter", "handover-moving-tag", "handover-event-source", "handover-renamed-function",
	} {
		t.Run(flow, func(t *testing.T) {
			w := newWorld(t)
			tf := w.example(flow)
			first := tf.Plan()
			if strings.Contains(first.Changes(), "read ") {
				t.Errorf("the first plan defers: %s", first.Changes())
			}
			tf.ApplyPlan(first)
			pending := func(image string) {
				t.Helper()
				for _, change := range pendingChanges {
					tf.Edit("main.tf", change.before, change.after)
					plan := tf.Plan()
					exampletest.Does(t, plan, change.what)
					if uri, known := plan.Planned(functionAddress, "image_uri"); plan.Change(functionAddress) != nil && (!known || uri != image) {
						t.Errorf("%s: planned image_uri: %v (known: %t), want %s", change.name, uri, known, image)
					}
					tf.Edit("main.tf", change.after, change.before)
				}
			}
			pending(testURI)
			if !t.Failed() {
				w.push("app", "v1", realImage(t, "one"))
				w.push("app", "latest", realImage(t, "one"))
				w.publish(parameterName, "String", "v1")
				w.deploy("app", testRepository+":v1")
				tf.Apply()
				image, _ := w.running("app")
				if image == testURI {
					t.Fatal("nothing was handed over")
				}
				pending(image)
			}
			w.end(tf)
		})
	}
}

// What the documentation says brings deferral back does, and what it says
// avoids it, does.
func TestHandover_whatDefers(t *testing.T) {
	t.Parallel()
	const (
		byLiteral = "repository_name = local.repository_name\n  image_tag       = \"latest\""
	)
	for name, test := range map[string]struct {
		before, after string
		deferred      bool
	}{
		"as documented":      {byLiteral, byLiteral, false},
		"a direct reference": {byLiteral, "repository_name = aws_ecr_repository.app.name\n  image_tag       = \"latest\"", true},
		"depends_on":         {byLiteral, byLiteral + "\n  depends_on = [aws_ecr_repository.app]", true},
		"depends_on the seed": {
			byLiteral, byLiteral + "\n  depends_on = [lambdaseed_placeholder_image.app]", true,
		},
		"a condition": {
			byLiteral, byLiteral + "\n  lifecycle {\n    precondition {\n      condition     = aws_ecr_repository.app.name != \"\"\n      error_message = \"no name\"\n    }\n  }", true,
		},
		"a local in between": {
			`repository_name = "app"`, "repository_name = \"app\"\n  through         = aws_ecr_repository.app.name", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tf := w.example("handover-moving-tag")
			tf.Edit("main.tf", test.before, test.after)
			if name == "a local in between" {
				tf.Edit("main.tf", "repository_name = local.repository_name\n  image_tag ", "repository_name = local.through\n  image_tag ")
			}
			tf.Apply()
			w.push("app", "latest", realImage(t, "one"))
			tf.Apply()
			exampletest.Empty(t, tf.Plan())

			for _, change := range pendingChanges {
				if change.name == "the repository" || change.name == "the seed's rule" {
					tf.Edit("main.tf", change.before, change.after)
				}
			}
			plan := tf.Plan()
			_, known := plan.Planned(functionAddress, "image_uri")
			if deferred := strings.Contains(plan.Changes(), "read data.lambdaseed_image.app"); deferred != test.deferred {
				t.Errorf("deferred: %t, the plan does: %s", deferred, plan.Changes())
			}
			if inPlan := plan.Change(functionAddress) != nil; inPlan != test.deferred || inPlan && known {
				t.Errorf("the function is in the plan: %t, with an image known: %t", inPlan, known)
			}
		})
	}
}
