// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// Indexes as they are met: of each the one image is copied that Lambda can run,
// and what is beside it neither gets in the way nor comes along.
func TestImageCopy_indexes(t *testing.T) {
	t.Parallel()
	amd64, arm64 := sourcetest.Platform("amd64", ""), sourcetest.Platform("arm64", "v8")
	x86, arm := sourcetest.Docker(t, amd64, "one"), sourcetest.OCI(t, arm64, "two")
	zstd := sourcetest.WithLayers(t, sourcetest.OCI(t, amd64), amd64, sourcetest.Generated(t, 1, 100).Layer(ggcr.OCILayerZStd))
	sbom := mutate.IndexAddendum{Add: sourcetest.OCI(t, amd64, "{}"), Descriptor: v1.Descriptor{
		ArtifactType: "application/spdx+json", Platform: &amd64,
	}}
	mixed := sourcetest.OCIIndex(sourcetest.Entry(t, zstd), sourcetest.Entry(t, arm))
	for name, test := range map[string]struct {
		index        v1.ImageIndex
		architecture string
		want         v1.Image
		wantError    string
	}{
		"Docker's manifest list":           {sourcetest.DockerIndex(sourcetest.Entry(t, arm), sourcetest.Entry(t, x86)), "x86_64", x86, ""},
		"Docker's manifest list, arm64":    {sourcetest.DockerIndex(sourcetest.Entry(t, x86), sourcetest.Entry(t, arm)), "arm64", arm, ""},
		"SBOM of the same platform":        {sourcetest.OCIIndex(sbom, sourcetest.Entry(t, x86)), "x86_64", x86, ""},
		"zstd for another architecture":    {mixed, "arm64", arm, ""},
		"zstd for the architecture itself": {mixed, "x86_64", nil, "not an image that Lambda can run"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			raw, err := test.index.RawManifest()
			must(t, err)
			if strings.HasPrefix(name, "SBOM") && !strings.Contains(string(raw), `"artifactType":"application/spdx+json"`) {
				t.Fatalf("the index has no SBOM: %s", raw)
			}
			digest := w.source.Push(t, "team/app:1", test.index)
			m := w.managed(copyType, nil)
			got := said(m.apply(copyBlock("ghcr.io/team/app:1", block{"architectures": []any{test.architecture}})))
			if test.wantError != "" {
				if !strings.HasPrefix(got, "ERROR at source_image: Reading the source image: "+test.wantError) {
					t.Errorf("said %q, want %q", got, test.wantError)
				}
				if err := w.wroteNothing(nil); err != nil {
					t.Error(err)
				}
				return
			}
			if got != "" {
				t.Fatal(got)
			}
			if got := m.text("source_digest"); got != digest {
				t.Errorf("source_digest is %s, want %s", got, digest)
			}
			must(t, w.contains("app", map[string]string{defaultCopyTag: digestOf(t, test.want)})(nil))
			must(t, sameBytes(w.pull(copyURI), test.want))
		})
	}
}
