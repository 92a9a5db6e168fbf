// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// owner reports whether a workspace may delete what it has.
func (s *stage) owner() bool {
	var owns bool
	before := s.w.at(s.repository, defaultImageTag)
	must(s.t, s.destroy(s.ctx))
	owns = s.w.at(s.repository, defaultImageTag) != before
	return owns
}

// Two applies seed the same tag at the same time. Both succeed, there is one
// image, and one of them owns it: at whichever request of the first the second
// runs as a whole, in every mode of mutability.
func TestRace_twoApplies(t *testing.T) {
	t.Parallel()
	for mode, exclusions := range map[types.ImageTagMutability][]string{
		types.ImageTagMutabilityMutable:                nil,
		types.ImageTagMutabilityImmutable:              nil,
		types.ImageTagMutabilityImmutableWithExclusion: {"latest"},
		types.ImageTagMutabilityMutableWithExclusion:   {"lambdaseed-*"},
	} {
		for _, old := range []bool{false, true} {
			c := scenario{prepare: func(s *stage) {
				s.w.SetBehaviour(fakeaws.Behaviour{OldImmutableWording: old})
				s.w.deleteRepository(s.repository)
				s.w.createRepository(s.repository, mode, exclusions...)
			}, command: func(s *stage) error { return s.run(s.plain()) }, config: (*stage).plain}
			t.Run(fmt.Sprintf("%s, old wording %v", mode, old), func(t *testing.T) {
				for _, p := range c.record(t, newWorld(t)) {
					if p.service == "sts" {
						continue
					}
					t.Run(p.String(), func(t *testing.T) {
						w := newWorld(t)
						first := c.stage(t, w)
						second := newStage(t, w)
						w.Inject(fakeaws.Fault{
							Service: p.service, Operation: p.operation, Nth: p.nth, Match: first.mine, Kind: fakeaws.FaultHook,
							Before: func(fakeaws.Request) {
								if err := second.run(second.plain()); err != nil {
									t.Error(err)
								}
							},
						})
						must(t, first.run(first.plain()))
						digest := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
						for name, s := range map[string]*stage{"first": first, "second": second} {
							if got := s.attribute("image_digest"); got != digest {
								t.Errorf("the %s apply has %q", name, got)
							}
							must(t, s.wantNoChange(s.ctx, s.plain()))
						}
						if err := w.contains(first.repository, map[string]string{defaultImageTag: digest})(nil); err != nil {
							t.Error(err)
						}
						// The second has run as a whole before the first's request, so that
						// it owns the image; the first does not, and takes nothing away.
						if first.owner() {
							t.Error("the first apply owns an image that the second has pushed")
						}
						if !second.owner() {
							t.Error("nobody owns the image")
						}
					})
				}
			})
		}
	}
}

// The same with no order but the one that the machine makes: twenty applies at
// once, one image, one owner.
func TestRace_manyApplies(t *testing.T) {
	t.Parallel()
	for _, mode := range []types.ImageTagMutability{types.ImageTagMutabilityMutable, types.ImageTagMutabilityImmutable} {
		t.Run(string(mode), func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", mode)
			var stages []*stage
			for range 20 {
				stages = append(stages, newStage(t, w))
			}
			var wg sync.WaitGroup
			for _, s := range stages {
				wg.Go(func() {
					if err := s.run(s.plain()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if contents := w.contents("app"); len(contents) != 1 {
				t.Errorf("the repository holds %v", contents)
			}
			owners := 0
			for _, s := range stages {
				must(t, s.wantNoChange(s.ctx, s.plain()))
			}
			for _, s := range stages {
				if w.at("app", defaultImageTag) != "" && s.owner() {
					owners++
				}
			}
			if owners != 1 || w.at("app", defaultImageTag) != "" {
				t.Errorf("%d owners, the tag holds %q", owners, w.at("app", defaultImageTag))
			}
		})
	}
}

// Two applies that change the seed's architecture at the same time, from one
// state that both have read: the second's push is not undone by the first.
func TestRace_twoUpdates(t *testing.T) {
	t.Parallel()
	c := scenarios["update"]
	t.Run("all", func(t *testing.T) {
		for _, p := range c.record(t, newWorld(t)) {
			if p.service == "sts" || p.operation == "DescribeRepositories" {
				continue
			}
			t.Run(p.String(), func(t *testing.T) {
				w := newWorld(t)
				s := c.stage(t, w)
				var theirs string
				w.Inject(fakeaws.Fault{
					Service: p.service, Operation: p.operation, Nth: p.nth, Match: s.mine, Kind: fakeaws.FaultHook,
					Before: func(fakeaws.Request) { theirs = w.push("app", defaultImageTag, realImage(t, "released")) },
				})
				must(t, s.run(s.arm()))
				got := w.at("app", defaultImageTag)
				if p.operation == "PutImage" {
					// The one round trip that nothing guards: the tag moves, the
					// pipeline's image stays. The next plan is empty all the same.
					if _, err := w.pullable(theirs); err != nil {
						t.Errorf("the pipeline's image is gone: %v", err)
					}
				} else if got != theirs {
					t.Errorf("the tag holds %s, the pipeline had pushed %s", got, theirs)
				}
				must(t, s.wantNoChange(s.ctx, s.arm()))
				must(t, s.destroy(s.ctx))
				if _, err := w.pullable(theirs); err != nil {
					t.Errorf("the pipeline's image went with the destroy: %v", err)
				}
			})
		}
	})
}

// pullable looks for an image by its digest, whatever its tags.
func (w *world) pullable(digest string) (string, error) {
	for _, image := range w.Images(testRegion, "app") {
		if image.Digest == digest {
			return digest, nil
		}
	}
	return "", fmt.Errorf("no image %s", digest)
}
