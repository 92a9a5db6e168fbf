// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// seedCost is what a seed may cost, exactly. A refresh costs one request.
var (
	uploads     = []string{"InitiateLayerUpload", "InitiateLayerUpload", "CompleteLayerUpload", "CompleteLayerUpload"}
	furtherSeed = slices.Concat([]string{"BatchGetImage"}, uploads, []string{"BatchGetImage", "PutImage"})
	firstSeed   = slices.Concat([]string{"GetAuthorizationToken"}, furtherSeed)
)

const (
	maxSeedBytes = 900_000
	// overheadBytes is what may come on top of the image itself: two looks, the
	// manifest's way there and back, and the token.
	overheadBytes = 12_000
)

// pushOf returns the requests of one push to a repository: those from its last
// look at the free tag up to its manifest.
func pushOf(t *testing.T, w *world, repository string) []fakeaws.Request {
	t.Helper()
	all := slices.DeleteFunc(w.Requests(), func(r fakeaws.Request) bool {
		return r.AccessKey != providerKey || r.Service == "sts" || r.Repository != repository && r.Operation != "GetAuthorizationToken"
	})
	put := slices.IndexFunc(all, func(r fakeaws.Request) bool { return r.Operation == "PutImage" })
	if put < 0 {
		t.Errorf("nothing was pushed to %s", repository)
		return nil
	}
	return all[:put+1]
}

func operationsOf(requests []fakeaws.Request) []string {
	var operations []string
	for _, r := range requests {
		operations = append(operations, r.Operation)
	}
	return operations
}

// What a seed costs: a token for the first one, a look, two blobs side by side
// in two requests each, another look, and the manifest. So the chain of
// dependent requests of a further seed is five long: look, start of an upload,
// its end, look, manifest.
func TestPlaceholderImage_cost(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.createRepository("second", types.ImageTagMutabilityMutable)
	sideBySide(t, w, "InitiateLayerUpload", "second")
	sideBySide(t, w, "CompleteLayerUpload", "second")

	img := placeholder(t, "x86_64", seedimage.Response{})
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := manifest.Config.Size + manifest.Layers[0].Size

	w.test([]resource.TestStep{
		{
			PreConfig: func() { w.ResetRequests() },
			Config: seedOnly("") + fmt.Sprintf(`
resource "lambdaseed_placeholder_image" "second" {
  repository_url = "%s/second"
  depends_on     = [lambdaseed_placeholder_image.app]
}
`, testHost),
			Check: func(*terraformState) error {
				for _, push := range []struct {
					repository string
					want       []string
				}{{"app", firstSeed}, {"second", furtherSeed}} {
					requests := pushOf(t, w, push.repository)
					if push.repository == "second" {
						// The token was asked for by the first.
						requests = slices.DeleteFunc(requests, func(r fakeaws.Request) bool { return r.Repository == "" })
					}
					if err := expectOperations(operationsOf(requests), push.want); err != nil {
						return fmt.Errorf("%s: %w", push.repository, err)
					}
					var bytes int64
					for _, r := range requests {
						bytes += r.BytesIn + r.BytesOut
					}
					if bytes > maxSeedBytes || bytes > size+overheadBytes {
						return fmt.Errorf("%s: %d bytes for an image of %d", push.repository, bytes, size)
					}
				}
				if n := len(w.RequestsTo("ecr", "GetAuthorizationToken")); n != 1 {
					return fmt.Errorf("%d tokens for two seeds of one apply", n)
				}
				return nil
			},
		},
		{
			PreConfig:    func() { w.ResetRequests() },
			RefreshState: true,
			Check: func(*terraformState) error {
				return expectOperations(w.providerRequests(), []string{"BatchGetImage", "BatchGetImage"})
			},
		},
	})
}

// sideBySide holds the first of two requests until the second is there, so
// that a push that sends them one after the other is found out.
func sideBySide(t *testing.T, w *world, operation, repository string) {
	t.Helper()
	var arrived atomic.Int32
	both := make(chan struct{})
	w.Inject(fakeaws.Fault{
		Operation: operation,
		Match:     func(r fakeaws.Request) bool { return r.Repository == repository },
		Count:     2,
		Kind:      fakeaws.FaultHook,
		Before: func(fakeaws.Request) {
			if arrived.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(time.Minute):
				t.Errorf("the two %s requests do not go side by side", operation)
			}
		},
	})
}

func expectOperations(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fmt.Errorf("requests %v, want %v", got, want)
	}
	return nil
}
