// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"os"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// fake runs the contract against a server.
func fake(t *testing.T, opts ...fakeaws.Option) (*fakeaws.Server, Target) {
	t.Helper()
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv, Target{
		Name: "fakeaws", Config: srv.AWSConfig(fakeaws.DefaultRegion), Transport: srv.Transport(), OtherRegion: "eu-west-1",
	}
}

func TestFakeawsKeepsTheContractUnderRealHosts(t *testing.T) {
	t.Parallel()
	srv, target := fake(t)
	RunECR(t, target)
	if hosts := srv.RefusedHosts(); hosts != nil {
		t.Errorf("the contract asked for hosts beyond AWS: %v", hosts)
	}
	if left := srv.Repositories(fakeaws.DefaultRegion); left != nil {
		t.Errorf("repositories left behind: %v", left)
	}
}

func TestFakeawsKeepsTheContractAsAnEmulator(t *testing.T) {
	t.Parallel()
	_, target := fake(t, fakeaws.WithEmulatorHosts())
	target.OtherRegion = "" // on loopback the password itself tells the region
	RunECR(t, target)
}

// TestEverySwitchAnswersItsQuestion turns the switches of fakeaws one by one:
// the finding of the question that a switch is about must change.
func TestEverySwitchAnswersItsQuestion(t *testing.T) {
	t.Parallel()
	for question, test := range map[string]struct {
		behaviour fakeaws.Behaviour
		want      string
	}{
		"PUT to an immutable tag is refused":                                                          {fakeaws.Behaviour{OldImmutableWording: true}, "because the repository is immutable"},
		"Location of an upload is":                                                                    {fakeaws.Behaviour{RelativeLocation: true}, "relative"},
		"DELETE manifest by digest is answered with":                                                  {fakeaws.Behaviour{ManifestDeleteOff: true}, "405 UNSUPPORTED"},
		"POST of an upload to a missing repository is answered with":                                  {fakeaws.Behaviour{DropMissingRepository: true}, "0 "},
		"uploading a layer again is answered with":                                                    {fakeaws.Behaviour{RefuseExistingLayer: true}, "400 LAYER_ALREADY_EXISTS"},
		"POST ?digest= with the whole blob is answered with":                                          {fakeaws.Behaviour{SinglePostUpload: true}, "201"},
		"BatchDeleteImage of the last tag of an image that an index refers to":                        {fakeaws.Behaviour{UntagReferencedChild: true}, "untags it"},
		"BatchGetImage by digest of an image with two tags gives":                                     {fakeaws.Behaviour{EntryPerTag: true}, "2 entries"},
		"BatchDeleteImage by a matching pair of tag and digest, the image having another tag, leaves": {fakeaws.Behaviour{IgnoreTagOfPair: true}, "nothing"},
	} {
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			var asked []fact
			for _, f := range ecrFacts() {
				if f.says == question {
					f.assumed = test.want
					asked = append(asked, f)
				}
			}
			if len(asked) != 1 {
				t.Fatalf("%d facts ask this, want 1", len(asked))
			}
			_, target := fake(t, fakeaws.WithBehaviour(test.behaviour))
			run(t, target, asked)
		})
	}
}

// TestFactsAreToldApart keeps the table honest: each fact once, each with a
// source, and an assumption exactly where one is needed.
func TestFactsAreToldApart(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range ecrFacts() {
		if known[f.says] {
			t.Errorf("%q is there twice", f.says)
		}
		known[f.says] = true
		if f.source == "" || (f.mark == unsure) != (f.assumed != "") {
			t.Errorf("%q: mark %q, source %q, assumed %q", f.says, f.mark, f.source, f.assumed)
		}
	}
}

// regionVariable names the region of a real account to check.
const regionVariable = "LAMBDASEED_TESTACC_REGION"

func TestRealAccount(t *testing.T) {
	t.Parallel()
	region := os.Getenv(regionVariable)
	if region == "" {
		t.Skip("set " + regionVariable + ", and credentials as for the AWS CLI, to check a real account")
	}
	target := realTarget(t, region)
	for _, finding := range RunECR(t, target) {
		t.Log(finding)
	}
}
