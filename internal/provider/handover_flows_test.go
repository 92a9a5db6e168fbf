// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// The tests in this file play the flows of the guide "Handing over to the
// pipeline", each with its example as it stands in examples/, unchanged.

// example brings one of the examples in.
func (w *world) example(name string) *exampletest.Workspace {
	w.t.Helper()
	tf := exampletest.New(w.t, w.Server, factories()["lambdaseed"])
	tf.Copy("../../examples/" + name)
	return tf
}

func (w *world) lambda() *lambda.Client { return lambda.NewFromConfig(w.AWSConfig(testRegion)) }

// deploy is what a pipeline does with an image that it has pushed, and waits
// for.
func (w *world) deploy(function, uri string) {
	w.t.Helper()
	if _, err := w.lambda().UpdateFunctionCode(w.ctx(), &lambda.UpdateFunctionCodeInput{FunctionName: &function, ImageUri: &uri}); err != nil {
		w.t.Fatal(err)
	}
	for range 100 {
		out, err := w.lambda().GetFunctionConfiguration(w.ctx(), &lambda.GetFunctionConfigurationInput{FunctionName: &function})
		if err != nil {
			w.t.Fatal(err)
		}
		if out.LastUpdateStatus != lambdatypes.LastUpdateStatusInProgress {
			return
		}
	}
	w.t.Fatal("the deployment does not end")
}

// publish is what a pipeline does that leaves the deployment to Terraform.
func (w *world) publish(parameter string, kind ssmtypes.ParameterType, value string) {
	w.t.Helper()
	_, err := ssm.NewFromConfig(w.AWSConfig(testRegion)).PutParameter(w.ctx(), &ssm.PutParameterInput{
		Name: &parameter, Type: kind, Value: &value, Overwrite: aws.Bool(true),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// running returns the image URI of a function as it was deployed, and the digest
// that it runs.
func (w *world) running(function string) (uri, digest string) {
	w.t.Helper()
	out, err := w.lambda().GetFunction(w.ctx(), &lambda.GetFunctionInput{FunctionName: &function})
	if err != nil {
		w.t.Fatal(err)
	}
	_, digest, _ = strings.Cut(aws.ToString(out.Code.ResolvedImageUri), "@")
	return aws.ToString(out.Code.ImageUri), digest
}

// runs fails the test unless a function was deployed with that URI.
func (w *world) runs(function, uri string) {
	w.t.Helper()
	if got, _ := w.running(function); got != uri {
		w.t.Errorf("%s runs %s, want %s", function, got, uri)
	}
}

// unharmed returns a check that from now on no function was created or deleted.
func (w *world) unharmed() func() {
	w.t.Helper()
	created := len(w.RequestsTo("lambda", "CreateFunction"))
	return func() {
		w.t.Helper()
		if n := len(w.RequestsTo("lambda", "DeleteFunction")); n != 0 {
			w.t.Errorf("the function was deleted %d times", n)
		}
		if n := len(w.RequestsTo("lambda", "CreateFunction")); n != created {
			w.t.Errorf("%d functions were created, want %d", n, created)
		}
	}
}

// first applies an example for the first time: the function gets its
// placeholder, and the next plan is empty.
func first(t *testing.T, w *world, tf *exampletest.Workspace) {
	t.Helper()
	plan := tf.Apply()
	if change := plan.Change(functionAddress); change == nil || !change.Actions.Create() {
		t.Fatalf("the first plan does not create the function: %s", plan.Changes())
	}
	w.runs("app", testURI)
	exampletest.Empty(t, tf.Plan())
}

// changeFunction is some other change of the function, made by a user.
func changeFunction(tf *exampletest.Workspace, before, after string) {
	tf.Edit("main.tf", before, after)
}

const (
	plainFunction = `package_type  = "Image"`
	moreMemory    = "memory_size   = 512\n  " + plainFunction
)

func TestHandover_ignoreChanges(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-ignore-changes")
	first(t, w, tf)
	check := w.unharmed()

	w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())

	changeFunction(tf, plainFunction, moreMemory)
	exampletest.Does(t, tf.Apply(), "update "+functionAddress)
	w.runs("app", testRepository+":v1")

	// After the hand-over the seed may change as it likes.
	tf.Edit("main.tf", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  image_tag      = \"other\"")
	exampletest.Untouched(t, tf.Apply(), functionAddress)
	w.runs("app", testRepository+":v1")
	check()
	w.end(tf)
}

func TestHandover_functionImage(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-function-image")
	first(t, w, tf)
	check := w.unharmed()

	// Another change while it runs the placeholder.
	changeFunction(tf, plainFunction, moreMemory)
	exampletest.Does(t, tf.Apply(), "update "+functionAddress)
	w.runs("app", testURI)

	// A changed image_tag moves a function that still runs the placeholder, and
	// the old one goes only after that.
	tf.Edit("main.tf", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  image_tag      = \"seed-2\"")
	plan := tf.Plan()
	exampletest.Does(t, plan, "update "+functionAddress, "create/delete "+seedAddress)
	if uri, known := plan.Planned(functionAddress, "image_uri"); !known || uri != testRepository+":seed-2" {
		t.Errorf("planned image_uri: %v (known: %t)", uri, known)
	}
	tf.ApplyPlan(plan)
	w.runs("app", testRepository+":seed-2")
	exampletest.Empty(t, tf.Plan())

	// The pipeline deploys by tag, then by digest: verbatim either way.
	w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())
	pinned := testRepository + "@" + w.push("app", "v2", realImage(t, "two"))
	w.deploy("app", pinned)
	exampletest.Empty(t, tf.Plan())

	// Other changes of the function, and of the seed, leave the image alone.
	changeFunction(tf, moreMemory, "memory_size   = 1024\n  "+plainFunction)
	plan = tf.Apply()
	exampletest.Does(t, plan, "update "+functionAddress)
	if uri, known := plan.Planned(functionAddress, "image_uri"); !known || uri != pinned {
		t.Errorf("planned image_uri: %v (known: %t)", uri, known)
	}
	w.runs("app", pinned)
	tf.Edit("main.tf", `"seed-2"`, `"seed-3"`)
	exampletest.Untouched(t, tf.Apply(), functionAddress)
	w.runs("app", pinned)
	check()
	w.end(tf)
}

func TestHandover_ssmParameter(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-ssm-parameter")
	first(t, w, tf)
	check := w.unharmed()
	if reason := tf.State().Values.Outputs["waiting_for"].Value; reason != "The SSM parameter /app/image does not exist." {
		t.Errorf("waits for: %v", reason)
	}

	// Published before the image is there: still absence.
	w.publish("/app/image", ssmtypes.ParameterTypeString, "v1")
	exampletest.Untouched(t, tf.Apply(), functionAddress)
	w.runs("app", testURI)

	for _, release := range []struct{ tag, value string }{
		{"v1", "v1"},
		{"v2", testRepository + ":v2"},
		{"v3", "v3\n"},
	} {
		digest := w.push("app", release.tag, realImage(t, release.tag))
		w.publish("/app/image", ssmtypes.ParameterTypeString, release.value)
		plan := tf.Apply()
		exampletest.Does(t, plan, "update "+functionAddress)
		if uri, known := plan.Planned(functionAddress, "image_uri"); !known || uri != testRepository+"@"+digest {
			t.Errorf("planned image_uri: %v (known: %t)", uri, known)
		}
		w.runs("app", testRepository+"@"+digest)
		exampletest.Empty(t, tf.Plan())
	}
	check()
	w.end(tf)
}

func TestHandover_movingTag(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-moving-tag")
	first(t, w, tf)
	check := w.unharmed()

	for _, release := range []string{"one", "two", "three"} {
		digest := w.push("app", "latest", realImage(t, release))
		plan := tf.Apply()
		exampletest.Does(t, plan, "update "+functionAddress)
		if _, running := w.running("app"); running != digest {
			t.Errorf("runs %s, want %s", running, digest)
		}
		exampletest.Empty(t, tf.Plan())
	}
	check()
	w.end(tf)
}

func TestHandover_eventSource(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-event-source")
	const mapping = "aws_lambda_event_source_mapping.app"
	first(t, w, tf)
	check := w.unharmed()
	enabled := func(want bool) {
		t.Helper()
		if got, err := exampletest.Attribute(tf.State(), mapping, "enabled"); err != nil || got != want {
			t.Errorf("the mapping is enabled: %v, want %t (%v)", got, want, err)
		}
	}
	enabled(false)
	if got := failedChecks(tf.Plan()); len(got) != 1 ||
		got[0] != "The queue app is not read yet. The function app still runs a placeholder, "+testURI+"." {
		t.Errorf("the check says: %q", got)
	}

	w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	plan := tf.Apply()
	exampletest.Does(t, plan, "update "+mapping)
	enabled(true)
	if got := failedChecks(plan); len(got) != 0 {
		t.Errorf("the check says: %q", got)
	}

	// That it cannot be told what the function runs, here because somebody has
	// deleted the image, must not stop a queue that is being read.
	w.deleteTag("app", "v1")
	exampletest.Empty(t, tf.Plan())
	check()
	w.end(tf)
}

// failedChecks are the messages of check blocks that warn.
func failedChecks(plan *exampletest.Plan) []string {
	var messages []string
	for _, check := range plan.Checks {
		for _, instance := range check.Instances {
			for _, problem := range instance.Problems {
				messages = append(messages, problem.Message)
			}
		}
	}
	return messages
}

func TestHandover_renamedFunction(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-renamed-function")
	first(t, w, tf)

	w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())
	check := w.unharmed()

	// A newer image that is pushed and not yet deployed is the pipeline's business.
	w.Advance(time.Second)
	w.push("app", "v2", realImage(t, "two"))
	exampletest.Empty(t, tf.Plan())
	check()

	// Renamed: the new one begins with what was pushed last.
	tf.Edit("main.tf", `function_name   = "app"`, `function_name   = "renamed"`)
	plan := tf.Plan()
	exampletest.Does(t, plan, "delete/create "+functionAddress)
	tf.ApplyPlan(plan)
	w.runs("renamed", testRepository+"@"+w.at("app", "v2"))
	exampletest.Empty(t, tf.Plan())

	// Replaced under its name: it begins with what it ran, not with the newest.
	w.deploy("renamed", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())
	plan = tf.Apply(tfexec.Replace(functionAddress))
	exampletest.Does(t, plan, "delete/create "+functionAddress)
	w.runs("renamed", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())
	w.end(tf)
}

// end cleans up: the pipeline takes its images away, since a repository that
// holds any cannot be destroyed, and Terraform the rest.
func (w *world) end(tf *exampletest.Workspace) {
	w.t.Helper()
	for _, image := range w.Images(testRegion, "app") {
		if _, ok := seedimage.Recognise(image.Manifest); ok {
			continue
		}
		out, err := w.ecr().BatchDeleteImage(w.ctx(), &ecr.BatchDeleteImageInput{
			RepositoryName: aws.String("app"), ImageIds: []ecrtypes.ImageIdentifier{{ImageDigest: &image.Digest}},
		})
		if err != nil || len(out.Failures) > 0 {
			w.t.Fatal(err, out)
		}
	}
	tf.Destroy()
	if left := w.Repositories(testRegion); len(left) != 0 {
		w.t.Errorf("repositories are left: %v", left)
	}
}
