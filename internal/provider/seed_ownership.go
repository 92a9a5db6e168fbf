// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// ownershipKey is the key in the resource's private state. Terraform keeps
// private state with the resource and shows it to nobody.
const ownershipKey = "ownership"

// ownership is what a resource remembers of its own pushes: the licence to
// replace and to delete. An imported resource has none.
type ownership struct {
	// Pushed is the digest that this resource put at the tag, "" if it found
	// something there.
	Pushed string `json:"pushed,omitempty"`
	// Superseded are digests that it had put there before.
	Superseded []string `json:"superseded,omitempty"`
	// Found are those of these digests that the repository had before, from
	// somebody else: this resource has given them a tag, and may take that away,
	// but not the image.
	Found []string `json:"found,omitempty"`
	// Lost tells that a refresh found the tag gone from a repository without a
	// real image, so that the next plan is to push again, while the resource
	// stays in the state for the sake of older digests that are still there.
	Lost bool `json:"lost,omitempty"`
}

// pushed is the ownership after a push to a free tag.
func pushed(result ecrrepo.PutResult) ownership {
	return ownership{}.replaced(result)
}

// replaced returns the ownership after another push to the tag.
func (o ownership) replaced(result ecrrepo.PutResult) ownership {
	digest := result.Image.Digest
	next := ownership{Pushed: digest, Superseded: slices.Clone(o.Superseded), Found: slices.Clone(o.Found)}
	if o.Pushed != "" && o.Pushed != digest && !slices.Contains(next.Superseded, o.Pushed) {
		next.Superseded = append(next.Superseded, o.Pushed)
	}
	// What this resource had pushed itself is no find.
	if result.Existed && o.Pushed != digest && !slices.Contains(next.Superseded, digest) {
		next.Found = append(next.Found, digest)
	}
	// An older manifest that is at the tag again is not an older one.
	next.Superseded = slices.DeleteFunc(next.Superseded, func(d string) bool { return d == digest })
	return next
}

// found tells a digest that was in the repository before.
func (o ownership) found(digest string) bool { return slices.Contains(o.Found, digest) }

// older returns the digests that may be left in the repository without a tag:
// the superseded ones and, where the tag has been taken, the last one pushed.
func (o ownership) older() []string {
	older := slices.Clone(o.Superseded)
	if o.Pushed != "" {
		older = append(older, o.Pushed)
	}
	return slices.DeleteFunc(older, o.found)
}

// restored returns the ownership after the tag was lost and created anew.
func (o ownership) restored(created ownership) ownership {
	if created.Pushed == "" {
		return ownership{Superseded: o.older()}
	}
	return o.replaced(ecrrepo.PutResult{Image: ecrrepo.Image{Digest: created.Pushed}, Existed: created.found(created.Pushed)})
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// loadOwnership reads what the resource owns. Private state that cannot be
// read counts as owning nothing: then nothing is replaced and nothing deleted.
func loadOwnership(ctx context.Context, private privateReader, diags *diag.Diagnostics) ownership {
	raw, d := private.GetKey(ctx, ownershipKey)
	diags.Append(d...)
	var o ownership
	if len(raw) == 0 {
		return o
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		diags.AddWarning("Ownership of the image not known",
			"The private state of this resource cannot be read, so that the image at the tag is treated as somebody else's: it is neither replaced nor deleted. "+
				"The error was: "+err.Error())
		return ownership{}
	}
	return o
}

func saveOwnership(ctx context.Context, private privateWriter, o ownership, diags *diag.Diagnostics) {
	raw, err := json.Marshal(o)
	if err != nil {
		diags.AddError("Remembering the ownership of the image failed", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, ownershipKey, raw)...)
}
