// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// copyBlock is the configuration of a copy. Its login keeps docker's
// configuration of whoever runs the tests out of them.
func copyBlock(source string, more block) block {
	b := block{
		"repository_url": testRepository, "source_image": source,
		"source_auth": block{"username": "robot", "password_wo": "s3cret-of-the-source"},
	}
	for name, value := range more {
		b[name] = value
	}
	return b
}

// text is an attribute in the state, "" for null.
func (m *managed) text(attribute string) string {
	m.t.Helper()
	state, err := m.state.Unmarshal(m.of)
	must(m.t, err)
	values := map[string]tftypes.Value{}
	must(m.t, state.As(&values))
	var text *string
	must(m.t, values[attribute].As(&text))
	if text == nil {
		return ""
	}
	return *text
}

// said are the texts of diagnostics, in one line each as says wants it.
func said(diagnostics []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diagnostics {
		at := ""
		if d.Attribute != nil {
			at = " at " + argumentName(d.Attribute)
		}
		b.WriteString(d.Severity.String() + at + ": " + d.Summary + " " + strings.Join(strings.Fields(d.Detail), " ") + "\n")
	}
	return b.String()
}

// What the tag holds already decides. With "adopt" it is used, a placeholder as
// well as a real image, whatever becomes of the source, which is not asked; with
// "error" it serves if it is the very image.
func TestImageCopy_createOnTakenTag(t *testing.T) {
	t.Parallel()
	theVeryImage := func(_ *testing.T, copied v1.Image) v1.Image { return copied }
	theirs := func(t *testing.T, _ v1.Image) v1.Image { return realImage(t, "real") }
	aPlaceholder := func(t *testing.T, _ v1.Image) v1.Image { return placeholder(t, "arm64", seedimage.Response{}) }
	const (
		adopted = "WARNING at image_tag: Existing image adopted " + copyURI + " already holds an image (DIGEST) that is not a copied image of this resource. " +
			"Nothing was pushed; that image is used as it is, and it will not be deleted with this resource."
		exists = "ERROR at image_tag: Image tag already exists " + copyURI + " already holds an image (DIGEST) that is not a copied image of this resource, " +
			"and if_exists is \"error\". Choose another image_tag"
	)
	for name, test := range map[string]struct {
		there    func(t *testing.T, copied v1.Image) v1.Image
		ifExists string
		down     bool
		want     string
		asks     bool
	}{
		"the very image, adopt":              {theVeryImage, ifExistsAdopt, false, adopted, false},
		"the very image, error":              {theVeryImage, ifExistsError, false, "", true},
		"a real image, adopt":                {theirs, ifExistsAdopt, false, adopted, false},
		"a real image, error":                {theirs, ifExistsError, false, exists, true},
		"a placeholder, adopt":               {aPlaceholder, ifExistsAdopt, false, adopted, false},
		"a placeholder, error":               {aPlaceholder, ifExistsError, false, exists, true},
		"a real image, source down, adopt":   {theirs, ifExistsAdopt, true, adopted, false},
		"a real image, source down, error":   {theirs, ifExistsError, true, "ERROR at source_image: Reading the source image: no answer from the source's registry", true},
		"the very image, source down, adopt": {theVeryImage, ifExistsAdopt, true, adopted, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			index, x86, _ := multiPlatform(t, "one")
			sourceDigest := w.source.Push(t, "team/app:1", index)
			digest := w.push("app", defaultCopyTag, test.there(t, x86))
			if test.down {
				w.source.Hook(hangUp)
			}
			w.ResetRequests()
			m := w.managed(copyType, nil)
			diagnostics := m.apply(copyBlock("ghcr.io/team/app:1", block{"if_exists": test.ifExists}))
			want := strings.ReplaceAll(test.want, "DIGEST", digest)
			if got := said(diagnostics); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
				t.Errorf("said %q, want %q", got, want)
			}
			if asked := w.asked() > 0; asked != test.asks {
				t.Errorf("the source was asked: %t, want %t", asked, test.asks)
			}
			if err := w.wroteNothing(nil); err != nil {
				t.Error(err)
			}
			if failed(diagnostics) {
				return
			}
			if got := m.text("image_digest"); got != digest {
				t.Errorf("image_digest is %q, want %s", got, digest)
			}
			// What was not asked for is not told.
			if got := m.text("source_digest"); got != "" && (!test.asks || got != sourceDigest) {
				t.Errorf("source_digest is %q", got)
			}
			// Used, not owned: it outlives this resource, and that is said.
			const left = "WARNING: Image left in the repository "
			if got := said(m.destroy()); !strings.HasPrefix(got, left) {
				t.Errorf("said %q of the destroy", got)
			}
			if err := w.contains("app", map[string]string{defaultCopyTag: digest})(nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// An update that finds the tag taken since the plan changes the state alone.
func TestImageCopy_updateOnTakenTag(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	index, _, _ := multiPlatform(t, "one")
	sourceDigest := w.source.Push(t, "team/app:1", index)
	m := w.managed(copyType, nil)
	if got := said(m.apply(copyBlock("ghcr.io/team/app:1", nil))); got != "" {
		t.Fatal(got)
	}
	theirs := w.push("app", defaultCopyTag, realImage(t, "real"))
	w.source.Hook(hangUp)
	w.asked()
	if got := said(m.apply(copyBlock("ghcr.io/team/app:2", nil))); got != "" {
		t.Error(got)
	}
	if n := w.asked(); n != 0 {
		t.Errorf("the source was asked %d times", n)
	}
	if m.text("image_digest") != theirs || m.text("source_digest") != sourceDigest || m.text("source_image") != "ghcr.io/team/app:2" {
		t.Errorf("the state has %s of %s, from %s", m.text("image_digest"), m.text("source_digest"), m.text("source_image"))
	}
}
