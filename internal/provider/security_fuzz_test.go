// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// privateBytes is private state as it may come back from a state file.
type privateBytes []byte

// GetKey implements privateReader.
func (p privateBytes) GetKey(context.Context, string) ([]byte, diag.Diagnostics) { return p, nil }

// Private state that was tampered with, or written by another version, never
// becomes a licence for a digest that is not in it.
func FuzzLoadOwnership(f *testing.F) {
	for _, raw := range []string{
		``, `{}`, `null`, `[]`, `{"pushed":"sha256:1"}`, `{"pushed":1}`, `{"superseded":["a",null]}`, `{"superseded":"a"}`,
		`{"pushed":"sha256:1","superseded":["sha256:1","sha256:2"],"lost":true}`, `{"pushed":"` + "\x00" + `"}`, `{"Pushed":"x"}{"pushed":"y"}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var diags diag.Diagnostics
		o := loadOwnership(t.Context(), privateBytes(raw), &diags)
		if diags.HasError() {
			t.Errorf("an error, which would block every plan: %v", diags)
		}
		if diags.WarningsCount() > 0 && (o.Pushed != "" || len(o.Superseded) > 0) {
			t.Errorf("%q cannot be read and gives %+v", raw, o)
		}
		if o.willPush(true, o.Pushed) && !o.Lost {
			t.Errorf("%+v would push an image that has not changed", o)
		}
		next := o.replaced(ecrrepo.PutResult{Pushed: true, Image: ecrrepo.Image{Digest: "sha256:new"}})
		if next.Pushed != "sha256:new" || slices.Contains(next.Superseded, "sha256:new") {
			t.Errorf("%+v becomes %+v", o, next)
		}
		if o.Pushed != "" && o.Pushed != "sha256:new" && !slices.Contains(next.Superseded, o.Pushed) {
			t.Errorf("%+v is forgotten in %+v", o, next)
		}
	})
}

// An import id is taken apart or refused in words; what is taken is what the
// identity says.
func FuzzImportID(f *testing.F) {
	for _, id := range []string{
		testURI, testRepository, testRepository + ":", testRepository + "@sha256:0", "127.0.0.1:5000/app:v1", "127.0.0.1:5000/app",
		"https://" + testURI, "", ":", "/:", " " + testURI, testURI + " ", "public.ecr.aws/a/b:c", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app:v1",
	} {
		f.Add(id)
	}
	p, _, err := (&world{}).workspace().serve(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string) {
		resp, err := p.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: seedType, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if err := errorsOf(resp.Diagnostics); err != nil {
			refused, ok := errors.AsType[*diagnosticsError](err)
			if !ok {
				t.Fatalf("errorsOf gave %T", err)
			}
			for _, d := range refused.errors {
				if d.Summary == "" || len(d.Detail) < 20 {
					t.Errorf("%q is refused with %q: %q", id, d.Summary, d.Detail)
				}
			}
			return
		}
		value, err := resp.ImportedResources[0].State.Unmarshal(p.of)
		if err != nil {
			t.Fatal(err)
		}
		ws := &workspace{w: &world{t: t}, state: &resourceState{value: value}}
		if got := ws.attribute("repository_url") + ":" + ws.attribute("image_tag"); got != id {
			t.Errorf("%q is read as %q", id, got)
		}
	})
}
