// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// writeOnly skips a test where Terraform has no write-only attributes.
var writeOnly = []tfversion.TerraformVersionCheck{skipBelow{minimum: version.Must(version.NewVersion("1.11.0")), lacks: "write-only attributes"}}

// A source with token authentication, by source_auth: the password is in
// neither plan nor state, another version of it copies nothing, and a wrong one
// is told.
func TestImageCopy_sourceAuth(t *testing.T) {
	w := newCopyWorld(t, "registry.example.com")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one")
	w.source.Push(t, "team/app:1", img)
	w.source.RequireLogin("robot", "s3cret-of-the-source")
	config := func(password string, version int) string {
		return copyOnly("registry.example.com/team/app:1", fmt.Sprintf(`source_auth = {
    username            = "robot"
    password_wo         = %q
    password_wo_version = %d
  }`, password, version))
	}
	w.testWith(resource.TestCase{
		TerraformVersionChecks: writeOnly,
		Steps: []resource.TestStep{
			{
				Config:      config("wrong", 1),
				ExpectError: says("Reading the source image: access denied by the source's registry"),
			},
			{
				Config:            config("s3cret-of-the-source", 1),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{planWithout{"s3cret-of-the-source"}}, PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				ConfigStateChecks: []statecheck.StateCheck{copyValue("image_digest", exactly(digestOf(t, img)))},
				Check: func(s *terraform.State) error {
					if text := s.String(); strings.Contains(text, "s3cret") {
						return fmt.Errorf("the state has the password: %s", text)
					}
					return nil
				},
			},
			{Config: config("another", 1), ConfigPlanChecks: emptyPlan()},
			{
				PreConfig: func() {
					w.asked()
					w.ResetRequests()
				},
				Config:           config("another", 2),
				ConfigPlanChecks: copyPlanned(plancheck.ResourceActionUpdate),
				Check: func(s *terraform.State) error {
					return errors.Join(w.wroteNothing(s), w.sourceLeftAlone(s))
				},
			},
		},
		CheckDestroy: w.contains("app", map[string]string{}),
	})
}

// What was unknown at plan, and turns out to be empty, is not taken for "no
// login": Terraform has the configuration validated again before it is applied.
func TestImageCopy_sourceAuthEmptyAtApply(t *testing.T) {
	t.Parallel()
	for attribute, other := range map[string]string{"username": `password_wo = "secret"`, "password_wo": `username = "robot"`} {
		t.Run(attribute, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.source.Push(t, "team/app:1", sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one"))
			w.testWith(resource.TestCase{
				TerraformVersionChecks: writeOnly,
				Steps: []resource.TestStep{{
					Config: copyOnly("ghcr.io/team/app:1", fmt.Sprintf(`source_auth = {
    %s = terraform_data.later.output
    %s
  }`, attribute, other)) + "resource \"terraform_data\" \"later\" {\n  input = \"\"\n}\n",
					ExpectError: says(fmt.Sprintf("Attribute source_auth.%s string length must be at least 1, got: 0", attribute)),
				}},
				CheckDestroy: func(s *terraformState) error { return errors.Join(w.sourceLeftAlone(s), w.wroteNothing(s)) },
			})
		})
	}
}

// planWithout is a check that a text is nowhere in a plan, apart from the
// configuration that comes with it.
type planWithout struct{ text string }

func (p planWithout) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	plan := *req.Plan
	plan.Config = nil
	raw, err := json.Marshal(plan)
	if err == nil && strings.Contains(string(raw), p.text) {
		err = fmt.Errorf("the plan has %q", p.text)
	}
	resp.Error = err
}

// oneLogin is a keychain as docker's configuration is one.
type oneLogin struct{ registry string }

func (k oneLogin) Resolve(of authn.Resource) (authn.Authenticator, error) {
	if of.RegistryStr() != k.registry {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: "robot", Password: "s3cret-of-the-source"}, nil
}

// Docker's configuration tells the login where source_auth does not; ECR Public
// is asked without any.
func TestImageCopy_dockerConfiguration(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		dockerHub:        "",
		"public.ecr.aws": "Reading the source image: access denied by the source's registry",
	} {
		t.Run(host, func(t *testing.T) {
			w := newCopyWorld(t, host)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.source.Push(t, "team/app:1", sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one"))
			w.source.RequireLogin("robot", "s3cret-of-the-source")
			step := resource.TestStep{Config: copyOnly(host+"/team/app:1", "")}
			if want != "" {
				step.ExpectError = says(want)
			}
			w.testWith(resource.TestCase{
				ProtoV6ProviderFactories: factories(WithKeychain(oneLogin{host})),
				Steps:                    []resource.TestStep{step},
			})
		})
	}
}

// Blobs that the repository has are not sent again, nor read from the source.
func TestImageCopy_existingBlobs(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	there := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "base", "old app")
	w.push("app", "old", there)
	img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "base", "new app")
	w.source.Push(t, "team/app:1", img)
	w.ResetRequests()
	w.test([]resource.TestStep{{
		Config: copyOnly("ghcr.io/team/app:1", ""),
		Check: func(*terraformState) error {
			if n := len(w.RequestsTo("ecr-registry", "InitiateLayerUpload")); n != 2 {
				return fmt.Errorf("%d blobs were sent, want the config and one layer", n)
			}
			if n := w.source.Count(http.MethodGet, "/blobs/"); n != 2 {
				return fmt.Errorf("%d blobs were read, want the config and one layer", n)
			}
			return sameBytes(w.pull(copyURI), img)
		},
	}})
}

// Layers of the same registry are mounted where ECR does that, and sent where
// it does not; layers of another registry are never asked to be mounted.
func TestImageCopy_mount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mounting bool
		source   func(copyWorld, v1.Image) string
		mounts   int
		sent     int
	}{
		"mounting on": {true, func(w copyWorld, img v1.Image) string {
			return w.sourceRepository(testAccount, testRegion, "team/source", img)
		}, 2, 1},
		"mounting off": {false, func(w copyWorld, img v1.Image) string {
			return w.sourceRepository(testAccount, testRegion, "team/source", img)
		}, 2, 3},
		"another region": {true, func(w copyWorld, img v1.Image) string {
			return w.sourceRepository(testAccount, "eu-central-1", "team/source", img)
		}, 0, 3},
		"another registry": {true, func(w copyWorld, img v1.Image) string {
			w.source.Push(w.t, "team/source:1", img)
			return "ghcr.io/team/source:1"
		}, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io", fakeaws.WithBehaviour(fakeaws.Behaviour{Mounting: test.mounting}))
			w.createRepository("app", types.ImageTagMutabilityMutable)
			img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "one", "two")
			source := test.source(w, img)
			w.ResetRequests()
			w.test([]resource.TestStep{{
				Config: copyOnly(source, ""),
				Check: func(*terraformState) error {
					mounts := 0
					for _, r := range w.RequestsTo("ecr-registry", "InitiateLayerUpload") {
						if strings.Contains(r.Query, "mount=") {
							mounts++
						}
					}
					sent := len(w.RequestsTo("ecr-registry", "CompleteLayerUpload"))
					if mounts != test.mounts || sent != test.sent {
						return fmt.Errorf("%d mounts were tried and %d blobs sent, want %d and %d", mounts, sent, test.mounts, test.sent)
					}
					return sameBytes(w.pull(copyURI), img)
				},
			}})
		})
	}
}

// A stream that breaks is read again, that layer alone; a registry that only
// ever breaks is given up after as many tries.
func TestImageCopy_brokenStream(t *testing.T) {
	t.Parallel()
	const tries = 3
	for name, test := range map[string]struct {
		times int32
		want  string
	}{
		"twice":  {2, ""},
		"always": {1000, "Creating the copied image: no answer from the source's registry"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			large, small := sourcetest.Generated(t, 1, 1<<20), sourcetest.Generated(t, 2, 1<<10)
			img := sourcetest.WithLayers(t, sourcetest.OCI(t, sourcetest.Platform("amd64", "")), sourcetest.Platform("amd64", ""), large.Layer(ggcr.OCILayer), small.Layer(ggcr.OCILayer))
			w.source.AddBlob(large)
			w.source.AddBlob(small)
			w.source.PushManifest(t, "team/app:1", img)
			var broken, reads atomic.Int32
			w.source.Hook(func(rw http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, small.Digest.String()) {
					reads.Add(1)
				}
				if !strings.HasSuffix(r.URL.Path, large.Digest.String()) || broken.Add(1) > test.times {
					return false
				}
				rw.Header().Set("Content-Length", fmt.Sprint(large.Size))
				_, _ = rw.Write(make([]byte, 1000))
				_ = http.NewResponseController(rw).Flush()
				panic(http.ErrAbortHandler)
			})
			step := resource.TestStep{
				Config:           copyOnly("ghcr.io/team/app:1", ""),
				ConfigPlanChecks: copyPlanned(plancheck.ResourceActionCreate),
				Check: func(*terraformState) error {
					if n := reads.Load(); n != 1 {
						return fmt.Errorf("the other layer was read %d times", n)
					}
					return nil
				},
			}
			if test.want != "" {
				step = resource.TestStep{Config: step.Config, ExpectError: says(test.want)}
			}
			w.testWith(resource.TestCase{Steps: []resource.TestStep{step}, CheckDestroy: func(*terraformState) error {
				if n := broken.Load(); n != tries {
					return fmt.Errorf("the layer was read %d times, want %d", n, tries)
				}
				// What was given up has pushed no image.
				return w.emptyRepository("app")
			}})
		})
	}
}

// What is wrong with a source is found out before anything is pushed, and told
// apart from what is wrong with the target.
func TestImageCopy_sourceErrors(t *testing.T) {
	t.Parallel()
	linux := sourcetest.Platform("amd64", "")
	zstd := func(t *testing.T) v1.Image {
		blob := sourcetest.Generated(t, 1, 100)
		return sourcetest.WithLayers(t, sourcetest.OCI(t, linux), linux, blob.Layer(ggcr.OCILayerZStd))
	}
	answer := func(f http.HandlerFunc) func(*testing.T, copyWorld) {
		return func(_ *testing.T, w copyWorld) {
			w.source.Hook(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/v2/" {
					return false
				}
				f(rw, r)
				return true
			})
		}
	}
	for name, test := range map[string]struct {
		prepare func(*testing.T, copyWorld)
		want    []string
	}{
		"zstd": {
			func(t *testing.T, w copyWorld) { w.source.Push(t, "library/alpine:3", zstd(t)) },
			[]string{
				"Reading the source image: not an image that Lambda can run",
				"Source image: index.docker.io/library/alpine:3",
				"is compressed with zstd, and Lambda takes gzip",
			},
		},
		"no such platform": {
			func(t *testing.T, w copyWorld) {
				w.source.Push(t, "library/alpine:3", sourcetest.OCIIndex(sourcetest.Entry(t, sourcetest.OCI(t, sourcetest.Platform("arm64", "v8"), "x"))))
			},
			[]string{"Reading the source image: no image for the architecture", "the source has no image for linux/amd64; it has: linux/arm64/v8"},
		},
		"not there": {func(*testing.T, copyWorld) {}, []string{"Reading the source image: image not found", "Nothing was pushed. Correct source_image."}},
		"rate limit": {answer(sourcetest.Refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit.")), []string{
			"Reading the source image: Docker Hub's pull limit is reached",
			"Log in to Docker Hub with source_auth", "public.ecr.aws/docker/library",
			"HTTP status 429: TOOMANYREQUESTS You have reached your pull rate limit.",
		}},
		"denied": {answer(sourcetest.Refuse(http.StatusForbidden, "DENIED", "no")), []string{"Reading the source image: access denied by the source's registry"}},
		"silent": {
			func(_ *testing.T, w copyWorld) { w.source.Hook(hangUp) },
			[]string{"Reading the source image: no answer from the source's registry", "The target is not the trouble"},
		},
		"fails": {answer(sourcetest.Refuse(http.StatusBadGateway, "UNAVAILABLE", "later")), []string{"Reading the source image: the source's registry failed", "HTTP status 502: UNAVAILABLE later"}},
		"wrong content": {
			func(t *testing.T, w copyWorld) {
				blob := sourcetest.Generated(t, 1, 1000)
				w.source.PushManifest(t, "library/alpine:3", sourcetest.WithLayers(t, sourcetest.OCI(t, linux), linux, blob.Layer(ggcr.OCILayer)))
				other := sourcetest.Generated(t, 2, 1000)
				other.Digest = blob.Digest
				w.source.AddBlob(other)
			},
			[]string{"Creating the copied image: wrong content from the source's registry", "came as sha256:", "Source image: index.docker.io/library/alpine:3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, dockerHub)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			test.prepare(t, w)
			w.ResetRequests()
			steps := make([]resource.TestStep, 0, len(test.want))
			for _, want := range test.want {
				steps = append(steps, resource.TestStep{Config: copyOnly("alpine:3", ""), ExpectError: says(want)})
			}
			w.testWith(resource.TestCase{Steps: steps, CheckDestroy: func(s *terraformState) error {
				if name != "wrong content" {
					if err := w.wroteNothing(s); err != nil {
						return err
					}
				}
				return w.emptyRepository("app")
			}})
		})
	}
}

// The target's errors are as the placeholder's.
func TestImageCopy_targetErrors(t *testing.T) {
	w := newCopyWorld(t, dockerHub)
	w.source.Push(t, "library/alpine:3", sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one"))
	w.test([]resource.TestStep{
		{Config: copyOnly("alpine:3", ""), ExpectError: says("Creating the copied image: ECR repository not found")},
		{
			PreConfig: func() {
				w.createRepository("app", types.ImageTagMutabilityMutable)
				w.denyProvider("ecr:UploadLayerPart", "ecr:CompleteLayerUpload")
			},
			Config:      copyOnly("alpine:3", ""),
			ExpectError: says("Creating the copied image: access to ECR denied"),
		},
		{
			PreConfig:        func() { w.denyProvider() },
			Config:           copyOnly("alpine:3", ""),
			ConfigPlanChecks: copyPlanned(plancheck.ResourceActionCreate),
		},
	})
}
