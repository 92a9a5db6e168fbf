// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// What a saved plan does that the pipeline has overtaken is told in the guide
// "Handing over to the pipeline"; the tests in this file are what it says.

// A plan that does not mean the image leaves alone what the pipeline deploys
// between plan and apply.
func TestHandover_raceWithoutTheImage(t *testing.T) {
	t.Parallel()
	for _, flow := range []string{"handover-ignore-changes", "handover-function-image"} {
		t.Run(flow, func(t *testing.T) {
			w := newWorld(t)
			tf := w.example(flow)
			first(t, w, tf)
			tf.Edit("main.tf", plainFunction, moreMemory)
			plan := tf.Plan()
			exampletest.Does(t, plan, "update "+functionAddress)

			w.push("app", "v1", realImage(t, "one"))
			w.deploy("app", testRepository+":v1")
			tf.ApplyPlan(plan)
			w.runs("app", testRepository+":v1")
			exampletest.Empty(t, tf.Plan())
			w.end(tf)
		})
	}
}

// A plan that does mean the image wins over the pipeline: here one that moves
// the function to another placeholder. It is the one way in which a function
// goes back to a placeholder, and the next deployment ends it.
func TestHandover_raceAboutThePlaceholder(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-function-image")
	first(t, w, tf)
	tf.Edit("main.tf", "repository_url = aws_ecr_repository.app.repository_url",
		"repository_url = aws_ecr_repository.app.repository_url\n  image_tag      = \"seed-2\"")
	plan := tf.Plan()

	w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	tf.ApplyPlan(plan)
	w.runs("app", testRepository+":seed-2")
	exampletest.Empty(t, tf.Plan())

	w.deploy("app", testRepository+":v1")
	exampletest.Empty(t, tf.Plan())
	w.end(tf)
}

// What the pipeline publishes after the plan is for the next plan.
func TestHandover_raceOfReleases(t *testing.T) {
	w := newWorld(t)
	tf := w.example("handover-ssm-parameter")
	first(t, w, tf)
	one := w.push("app", "v1", realImage(t, "one"))
	two := w.push("app", "v2", realImage(t, "two"))
	w.publish(parameterName, "String", "v1")
	plan := tf.Plan()
	w.publish(parameterName, "String", "v2")
	tf.ApplyPlan(plan)
	w.runs("app", testRepository+"@"+one)
	exampletest.Does(t, tf.Apply(), "update "+functionAddress)
	w.runs("app", testRepository+"@"+two)
	w.end(tf)
}

// What was published is lost, or is not there yet: the function keeps what it
// runs, and does not go back to the placeholder.
func TestHandover_lostRelease(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flow string
		lose func(*world)
	}{
		"image deleted, deployed":    {"handover-function-image", func(w *world) { w.deleteTag("app", "v1") }},
		"image deleted, published":   {"handover-ssm-parameter", func(w *world) { w.deleteTag("app", "v1") }},
		"image not pushed yet":       {"handover-ssm-parameter", func(w *world) { w.publish(parameterName, "String", "v2") }},
		"parameter empty":            {"handover-ssm-parameter", func(w *world) { w.publish(parameterName, "String", " ") }},
		"parameter deleted":          {"handover-ssm-parameter", (*world).deleteParameter},
		"tag deleted":                {"handover-moving-tag", func(w *world) { w.deleteTag("app", "latest") }},
		"tag moved to a placeholder": {"handover-moving-tag", func(w *world) { w.push("app", "latest", placeholder(w.t, "x86_64", seedimage.Response{})) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tf := w.example(test.flow)
			first(t, w, tf)
			w.push("app", "v1", realImage(t, "one"))
			w.push("app", "latest", realImage(t, "one"))
			w.publish(parameterName, "String", "v1")
			if test.flow == "handover-function-image" {
				w.deploy("app", testRepository+":v1")
			}
			tf.Apply()
			image, _ := w.running("app")
			if image == testURI {
				t.Fatal("nothing was handed over")
			}
			exampletest.Empty(t, tf.Plan())

			test.lose(w)
			exampletest.Untouched(t, tf.Apply(), functionAddress)
			w.runs("app", image)
		})
	}
}

func (w *world) deleteParameter() {
	w.t.Helper()
	_, err := ssm.NewFromConfig(w.AWSConfig(testRegion)).DeleteParameter(w.ctx(), &ssm.DeleteParameterInput{Name: aws.String(parameterName)})
	if err != nil {
		w.t.Fatal(err)
	}
}
