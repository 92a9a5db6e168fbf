// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// sourceRepository makes a repository in another account and region, with an
// image, and returns the image's name.
func (w *world) sourceRepository(account, region, repository string, img v1.Image) string {
	w.t.Helper()
	const key = "AKIASOURCEACCOUNT001"
	w.AddCredential(key, account, "arn:aws:iam::"+account+":user/pipeline")
	cfg := w.AWSConfig(region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(key, "source-secret", "")
	api := ecr.NewFromConfig(cfg)
	if _, err := api.CreateRepository(w.ctx(), &ecr.CreateRepositoryInput{RepositoryName: &repository}); err != nil {
		w.t.Fatal(err)
	}
	if account != testAccount {
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},` +
			`"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`
		if _, err := api.SetRepositoryPolicy(w.ctx(), &ecr.SetRepositoryPolicyInput{RepositoryName: &repository, PolicyText: &policy}); err != nil {
			w.t.Fatal(err)
		}
	}
	reference := account + ".dkr.ecr." + region + ".amazonaws.com/" + repository + ":1"
	ref, err := name.NewTag(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(ref, img, w.RemoteOptionsFor(w.ctx(), key, region)...); err != nil {
		w.t.Fatal(err)
	}
	return reference
}

// A private ECR repository is read with the provider's own credentials, of
// whatever account and region; the layers come from S3, without a password.
func TestImageCopy_privateECR(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]struct{ account, region string }{
		"same registry":  {testAccount, testRegion},
		"another region": {testAccount, "eu-central-1"},
		"other account":  {"210987654321", testRegion},
		"another both":   {"210987654321", "us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "unused.example.com")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "one", "two")
			source := w.sourceRepository(at.account, at.region, "team/source", img)
			w.ResetRequests()
			w.test([]resource.TestStep{{
				Config:            copyOnly(source, ""),
				ConfigStateChecks: []statecheck.StateCheck{copyValue("image_digest", exactly(digestOf(t, img)))},
				Check: func(*terraformState) error {
					read := 0
					for _, r := range w.Requests() {
						if r.Service == "ecr-layers" {
							read++
							if r.HasAuthorization {
								return fmt.Errorf("%s %s carried a password", r.Method, r.Host)
							}
						}
					}
					if read != 3 {
						return fmt.Errorf("%d blobs came from S3, want the config and two layers", read)
					}
					return sameBytes(w.pull(copyURI), img)
				},
			}})
		})
	}
	t.Run("denied", func(t *testing.T) {
		w := newCopyWorld(t, "unused.example.com")
		w.createRepository("app", types.ImageTagMutabilityMutable)
		source := w.sourceRepository(testAccount, "eu-central-1", "team/source", realImage(t, "one"))
		w.denyProvider("ecr:GetDownloadUrlForLayer")
		w.test([]resource.TestStep{{
			Config:      copyOnly(source, ""),
			ExpectError: says("Action: ecr:GetDownloadUrlForLayer Repository: " + strings.TrimSuffix(source, ":1")),
		}})
	})
	t.Run("not there", func(t *testing.T) {
		w := newCopyWorld(t, "unused.example.com")
		w.createRepository("app", types.ImageTagMutabilityMutable)
		w.test([]resource.TestStep{
			{Config: copyOnly(testHost+"/nowhere:1", ""), ExpectError: says("Nothing was pushed. Correct source_image. Source image: " + testHost + "/nowhere:1 Action: ecr:BatchGetImage")},
			{Config: copyOnly(testRepository+":nothing", ""), ExpectError: says("Reading the source image: image not found")},
		})
	})
}

// What is wrong with a source in ECR is told of the source: with what to do
// there, in ECR's words.
func TestImageCopy_privateECRFaults(t *testing.T) {
	t.Parallel()
	const unreachable = "no answer from the source's registry"
	for name, test := range map[string]struct {
		kind    fakeaws.FaultKind
		service string
		want    string
	}{
		"registry unreachable": {fakeaws.FaultDropBefore, "ecr-registry", unreachable},
		"layers unreachable":   {fakeaws.FaultDropBefore, "ecr-layers", unreachable},
		"token unreachable":    {fakeaws.FaultDropBefore, "ecr", unreachable},
		"HTML from a proxy":    {fakeaws.FaultHTML, "ecr-registry", "unexpected answer in place of the source's registry"},
		"denied":               {fakeaws.FaultDenied, "ecr-registry", "access to ECR denied"},
		"throttled":            {fakeaws.FaultThrottle, "ecr-registry", "ECR request quota used up"},
	} {
		t.Run(name, func(t *testing.T) {
			const region = "eu-central-1"
			w := newCopyWorld(t, "unused.example.com")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			source := w.sourceRepository(testAccount, region, "team/source", realImage(t, "one"))
			w.Inject(fakeaws.Fault{Service: test.service, Match: func(r fakeaws.Request) bool { return strings.Contains(r.Host, region) }, Count: -1, Kind: test.kind})
			m := w.managed(copyType, nil)
			config := copyBlock(source, nil)
			delete(config, "source_auth")
			got := said(m.apply(config))
			if !strings.HasPrefix(got, "ERROR at source_image: Reading the source image: "+test.want+" ") || !strings.Contains(got, "Source image: "+source+" Action: ecr:") {
				t.Errorf("said %q, want %q", got, test.want)
			}
			if strings.Contains(got, "repository_url") {
				t.Errorf("%q gives advice for the target", got)
			}
			if err := w.emptyRepository("app"); err != nil {
				t.Error(err)
			}
		})
	}
}

// In an emulator, whose registry is not named as ECR's are, an image is copied
// from one repository to another.
func TestImageCopy_emulator(t *testing.T) {
	w := newCopyWorld(t, "unused.example.com", fakeaws.WithEmulatorHosts())
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.createRepository("base", types.ImageTagMutabilityMutable)
	source, err := name.NewTag(w.Address() + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "one")
	if err := remote.Write(source, img, w.RemoteOptions(w.ctx())...); err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(copyOnly(source.Name(), ""), testRepository, w.Address()+"/app")
	w.test([]resource.TestStep{{
		Config:            w.hcl(config, fmt.Sprintf("endpoints {\n    ecr = %q\n    sts = %[1]q\n  }", w.URL())),
		ConfigStateChecks: []statecheck.StateCheck{copyValue("image_digest", exactly(digestOf(t, img)))},
	}})
}
