// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

const (
	copyAddress = "lambdaseed_image_copy.app"
	copyURI     = testRepository + ":" + defaultCopyTag
	dockerHub   = "index.docker.io"
)

// noLogins keeps docker's configuration of whoever runs the tests out of them.
type noLogins struct{}

func (noLogins) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// copyWorld is a world with a registry to copy from, under a host name.
type copyWorld struct {
	*world

	source *sourcetest.Registry
}

func newCopyWorld(t *testing.T, host string, opts ...fakeaws.Option) copyWorld {
	t.Helper()
	source := sourcetest.New()
	return copyWorld{newWorld(t, append(opts, fakeaws.WithHost(host, source))...), source}
}

func (w copyWorld) test(steps []resource.TestStep) { w.testWith(resource.TestCase{Steps: steps}) }

func (w copyWorld) testWith(c resource.TestCase) {
	w.t.Helper()
	if c.ProtoV6ProviderFactories == nil {
		c.ProtoV6ProviderFactories = factories(WithKeychain(noLogins{}))
	}
	w.world.testWith(c)
}

// asked returns how many requests the source has had, and forgets them.
func (w copyWorld) asked() int {
	n := len(w.source.Requests())
	w.source.Forget()
	return n
}

// sourceLeftAlone is a check that the source was not asked since the last look.
func (w copyWorld) sourceLeftAlone(*terraformState) error {
	if n := w.asked(); n > 0 {
		return fmt.Errorf("the source was asked %d times", n)
	}
	return nil
}

// copyOnly copies into a repository that is there already.
func copyOnly(source, arguments string) string {
	return fmt.Sprintf(`
resource "lambdaseed_image_copy" "app" {
  repository_url = %q
  source_image   = %q
  %s
}
`, testRepository, source, arguments)
}

func copyValue(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(copyAddress, pathTo(attribute), want)
}

func exactly(text string) knownvalue.Check { return knownvalue.StringExact(text) }

func copyPlanned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return planned(plancheck.ExpectResourceAction(copyAddress, action))
}

// multiPlatform is an index as docker buildx pushes it: two platforms that
// Lambda has, one that it has not, an attestation for each.
func multiPlatform(t *testing.T, content string) (index v1.ImageIndex, x86, arm v1.Image) {
	t.Helper()
	x86 = sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "shared", content+" for amd64")
	arm = sourcetest.OCI(t, sourcetest.Platform("arm64", "v8"), "shared", content+" for arm64")
	v7 := sourcetest.OCI(t, sourcetest.Platform("arm", "v7"), content+" for arm/v7")
	return sourcetest.OCIIndex(
		sourcetest.Entry(t, v7), sourcetest.Entry(t, x86), sourcetest.Entry(t, arm),
		sourcetest.Attestation(t, v7), sourcetest.Attestation(t, x86), sourcetest.Attestation(t, arm),
	), x86, arm
}

// holds is a check that a repository has exactly these images: digests by tag,
// and others without a tag.
func (w *world) holds(repository string, tagged map[string]string, untagged ...string) func(*terraformState) error {
	return func(*terraformState) error {
		contents := w.contents(repository)
		var left []string
		for tag, digest := range contents {
			if tagged[tag] == digest {
				continue
			}
			left = append(left, digest)
		}
		slices.Sort(left)
		slices.Sort(untagged)
		if len(contents) != len(tagged)+len(untagged) || !slices.Equal(left, untagged) {
			return fmt.Errorf("repository %s holds %v, want %v and %v without a tag", repository, contents, maps.Collect(maps.All(tagged)), untagged)
		}
		return nil
	}
}

// wroteNothing is a check that the provider has sent nothing but questions.
func (w *world) wroteNothing(*terraformState) error {
	if wrote := w.wrote(); len(wrote) > 0 {
		return fmt.Errorf("the provider sent %v", wrote)
	}
	return nil
}

// hang up without an answer, as a host does that is not there.
func hangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
