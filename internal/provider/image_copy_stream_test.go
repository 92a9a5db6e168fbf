// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// countedReader tells how much was read of it.
type countedReader struct {
	io.Reader

	read *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read.Add(int64(n))
	return n, err
}

// A layer goes through as a stream: the source is never further ahead of ECR
// than what the connections hold. (The memory that a layer of 2 GB needs is
// printed by the benchmark.)
func TestImageCopy_streams(t *testing.T) {
	const (
		size = 64 << 20
		most = 32 << 20
	)
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	blob := sourcetest.Generated(t, 1, size)
	var given atomic.Int64
	counted := blob
	counted.Open = func() io.Reader { return countedReader{blob.Open(), &given} }
	linux := sourcetest.Platform("amd64", "")
	w.source.AddBlob(counted)
	w.source.PushManifest(t, "team/app:1", sourcetest.WithLayers(t, sourcetest.OCI(t, linux), linux, blob.Layer(ggcr.OCILayer)))

	var taken, ahead atomic.Int64
	w.Inject(fakeaws.Fault{
		Service: "ecr-registry",
		Match:   func(r fakeaws.Request) bool { return r.Method == http.MethodPut },
		Count:   -1,
		Kind:    fakeaws.FaultHandler,
		Handler: func(rw http.ResponseWriter, r *http.Request) {
			chunk := make([]byte, 64<<10)
			for r.ContentLength == size {
				n, err := r.Body.Read(chunk)
				if lead := given.Load() - taken.Add(int64(n)); lead > ahead.Load() {
					ahead.Store(lead)
				}
				if err != nil {
					break
				}
			}
			sourcetest.Refuse(http.StatusForbidden, "DENIED", "all that was to be seen was seen")(rw, r)
		},
	})
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{{Config: copyOnly("ghcr.io/team/app:1", ""), ExpectError: says("DENIED: all that was to be seen was seen")}},
		CheckDestroy: func(*terraformState) error {
			if taken.Load() != size || ahead.Load() > most {
				t.Errorf("ECR took %d bytes, and the source was up to %d bytes ahead", taken.Load(), ahead.Load())
			}
			return w.emptyRepository("app")
		},
	})
}
