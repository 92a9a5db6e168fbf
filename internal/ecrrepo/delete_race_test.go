// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// A delete that failed may be tried again much later: what is at the tag by
// then is looked at anew, whatever the failure was.
func TestDeleteTagLooksBeforeEachTry(t *testing.T) {
	t.Parallel()
	for _, kind := range []fakeaws.FaultKind{
		fakeaws.FaultDropBefore, fakeaws.FaultDropAfter, fakeaws.FaultInternalError, fakeaws.FaultUnavailable, fakeaws.FaultThrottle, fakeaws.FaultTruncate,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			digest := w.put(r, "seed", image(t, "ours")).Image.Digest
			w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Match: byClient, Kind: kind})
			var theirs string
			w.Inject(fakeaws.Fault{Operation: "BatchGetImage", Match: byClient, Nth: 2, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
				theirs = w.push(r, "seed", image(t, "theirs"))
			}})
			found, err := r.DeleteTag(t.Context(), "seed", digest)
			if err != nil {
				t.Fatal(err)
			}
			if found == nil || found.Digest != theirs {
				t.Errorf("told of %v, want %s", found, theirs)
			}
			if n := w.asked("BatchDeleteImage"); n != 1 {
				t.Errorf("%d deletes were sent, want 1", n)
			}
			w.wantThere(r, theirs)
		})
	}
}

// A delete goes on being tried while the tag is ours.
func TestDeleteTagIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	digest := w.put(r, "seed", image(t, "ours")).Image.Digest
	w.ResetRequests()
	w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Match: byClient, Count: 2, Kind: fakeaws.FaultUnavailable})
	if found, err := r.DeleteTag(t.Context(), "seed", digest); found != nil || err != nil {
		t.Fatalf("%v, %v", found, err)
	}
	if looks, deletes := w.asked("BatchGetImage"), w.asked("BatchDeleteImage"); looks != 3 || deletes != 3 {
		t.Errorf("%d looks and %d deletes, want 3 of each", looks, deletes)
	}
	w.wantGone(r, "seed")
}

// The tags of a manifest are looked at right before it is deleted, and again
// before each further try: a delete by digest takes all of them.
func TestDeleteUntaggedLooksLast(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]fakeaws.Fault{
		"tagged after the look":       {Operation: "BatchGetImage", Nth: 1},
		"tagged before the next look": {Operation: "DescribeImages", Nth: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			old := w.put(r, "seed", image(t, "old")).Image.Digest
			if _, err := r.Replace(t.Context(), "seed", old, image(t, "new")); err != nil {
				t.Fatal(err)
			}
			if at.Nth == 2 {
				w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Match: byClient, Kind: fakeaws.FaultUnavailable})
			}
			w.ResetRequests()
			at.Match, at.Kind = byClient, fakeaws.FaultHook
			at.Before = func(fakeaws.Request) { w.push(r, "v1", image(t, "old")) }
			w.Inject(at)
			if err := r.DeleteUntagged(t.Context(), old, all); err != nil {
				t.Fatal(err)
			}
			w.wantThere(r, "v1")
		})
	}
}

// The tag that keeps an image is looked for again before each try.
func TestUntagLooksBeforeEachTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	digest := w.push(r, "v1", image(t, "theirs"))
	w.push(r, "copied", image(t, "theirs"))
	w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Match: byClient, Kind: fakeaws.FaultUnavailable})
	w.Inject(fakeaws.Fault{Operation: "DescribeImages", Match: byClient, Nth: 2, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
		w.push(r, "v1", image(t, "another"))
	}})
	found, err := r.Untag(t.Context(), "copied", digest)
	if err != nil || found == nil || found.Digest != digest {
		t.Errorf("%v, %v, want to be told that %s stays", found, err, digest)
	}
	w.wantThere(r, "copied")
}

// An image that somebody else pushes while its blobs are on their way is not
// this client's.
func TestPutOfAnImageThatSomebodyElsePushesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	w.Inject(fakeaws.Fault{Operation: "CompleteLayerUpload", Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
		w.push(r, "v1", image(t, "x"))
	}})
	result, err := r.PutIfAbsent(t.Context(), "copied", image(t, "x"), WithLook())
	if err != nil {
		t.Fatal(err)
	}
	if !result.Pushed || !result.Existed {
		t.Errorf("pushed %v, existed %v, want both", result.Pushed, result.Existed)
	}
}

// An image that is asked for by its digest may have an entry for each tag.
func TestLookAtAnImageWithTags(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]bool{"one entry": false, "an entry for each tag": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{EntryPerTag: each}))
			r := w.repository("app")
			digest := w.push(r, "v1", image(t, "x"))
			w.push(r, "v2", image(t, "x"))
			found, err := r.Look(t.Context(), digest)
			if err != nil || found.Digest != digest {
				t.Errorf("%v, %v, want %s", found, err, digest)
			}
			if tagged, err := r.AnyTagged(t.Context(), all); !tagged || err != nil {
				t.Errorf("any tagged: %v, %v", tagged, err)
			}
		})
	}
}
