// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Thousands of TLS handshakes are made here, and their post-quantum half is
// most of what they cost.
//go:debug tlsmlkem=0

package provider

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// scenario is a command in a situation. The matrix of faults records the
// requests that the command makes there and then plays every fault at every one
// of them.
type scenario struct {
	// foreign are images of the pipeline, by tag, that must outlive everything.
	foreign []string
	// prepare leads to the situation.
	prepare func(s *stage)
	command func(s *stage) error
	// config is what a plan must have nothing to add to in the end.
	config func(s *stage) block
	// gone tells that the resource is not in the state in the end.
	gone bool
	// replaces tells that it may be gone in between.
	replaces bool
	// hasLayers tells that the repository has the layers that are pushed.
	hasLayers bool
	// world is where it is played, newWorld where it is nil.
	world func(*testing.T) *world
	// resource is the type of the resource, the placeholder's where it is "".
	resource string
	// pushes are the digests of the images that it pushes, nil for placeholders.
	pushes func(*stage) []string
}

func (c scenario) newWorld(t *testing.T) *world {
	t.Helper()
	if c.world != nil {
		return c.world(t)
	}
	return newWorld(t)
}

// stage is where a scenario is played: a repository and a workspace that are
// used by it alone.
type stage struct {
	*workspace
	t          *testing.T
	w          *world
	repository string
	foreign    map[string]string
	// ctx takes the provider's log to log, at its most talkative.
	ctx context.Context
	log *bytes.Buffer
}

func (s *stage) seed(more block) block {
	b := block{"repository_url": testHost + "/" + s.repository}
	maps.Copy(b, more)
	return b
}

func (s *stage) plain() block { return s.seed(nil) }

func (s *stage) arm() block { return s.seed(block{"architectures": []any{"arm64"}}) }

func (s *stage) run(config block) error { return s.apply(s.ctx, config) }

// scenarios are the operations of Terraform in the situations in which they
// make different requests.
var scenarios = map[string]scenario{
	"create": {
		foreign: []string{"v1"},
		prepare: func(*stage) {},
		command: func(s *stage) error { return s.run(s.plain()) },
		config:  (*stage).plain,
	},
	"create on a real image": {
		foreign: []string{defaultImageTag},
		prepare: func(*stage) {},
		command: func(s *stage) error { return s.run(s.plain()) },
		config:  (*stage).plain,
	},
	"create as latest": {
		foreign: []string{"v1"},
		prepare: func(*stage) {},
		command: func(s *stage) error { return s.run(s.seed(block{"image_tag": "latest"})) },
		config:  func(s *stage) block { return s.seed(block{"image_tag": "latest"}) },
	},
	"read": {
		foreign: []string{"v1"},
		prepare: func(s *stage) { must(s.t, s.run(s.plain())) },
		command: func(s *stage) error { return s.refresh(s.ctx) },
		config:  (*stage).plain,
	},
	"read after the tag has expired": {
		foreign: []string{"v1", "v2"},
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			s.w.ExpireImage(testRegion, s.repository, defaultImageTag)
		},
		command: func(s *stage) error { return s.refresh(s.ctx) },
		config:  (*stage).plain,
	},
	"read after the tag was lost": {
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			s.w.ExpireImage(testRegion, s.repository, defaultImageTag)
		},
		command: func(s *stage) error { return s.refresh(s.ctx) },
		config:  (*stage).plain,
		gone:    true,
	},
	"restore a lost seed": {
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			must(s.t, s.run(s.arm()))
			s.w.ExpireImage(testRegion, s.repository, defaultImageTag)
		},
		command:   func(s *stage) error { return s.run(s.arm()) },
		config:    (*stage).arm,
		hasLayers: true,
	},
	"update": {
		foreign: []string{"v1"},
		prepare: func(s *stage) { must(s.t, s.run(s.plain())) },
		command: func(s *stage) error { return s.run(s.arm()) },
		config:  (*stage).arm,
	},
	"update after the hand-over": {
		foreign: []string{"v1"},
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			s.foreign[defaultImageTag] = s.w.push(s.repository, defaultImageTag, realImage(s.t, "taken over"))
		},
		command: func(s *stage) error { return s.run(s.arm()) },
		config:  (*stage).arm,
	},
	"replace": {
		foreign:   []string{"v1"},
		prepare:   func(s *stage) { must(s.t, s.run(s.plain())) },
		command:   func(s *stage) error { return s.run(s.seed(block{"image_tag": "other"})) },
		config:    func(s *stage) block { return s.seed(block{"image_tag": "other"}) },
		replaces:  true,
		hasLayers: true,
	},
	"destroy": {
		foreign: []string{"v1"},
		prepare: func(s *stage) { must(s.t, s.run(s.plain())) },
		command: func(s *stage) error { return s.destroy(s.ctx) },
		gone:    true,
	},
	"destroy with older manifests": {
		foreign: []string{"v1"},
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			must(s.t, s.run(s.arm()))
		},
		command: func(s *stage) error { return s.destroy(s.ctx) },
		gone:    true,
	},
	"destroy after the hand-over": {
		foreign: []string{"v1"},
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			s.foreign[defaultImageTag] = s.w.push(s.repository, defaultImageTag, realImage(s.t, "taken over"))
		},
		command: func(s *stage) error { return s.destroy(s.ctx) },
		gone:    true,
	},
}

func newStage(t *testing.T, w *world) *stage {
	s := &stage{workspace: w.workspace(), t: t, w: w, repository: "app", foreign: map[string]string{}, log: &bytes.Buffer{}}
	s.ctx = tflogtest.RootLogger(t.Context(), s.log)
	return s
}

// stage prepares a scenario in a repository of its own.
func (c scenario) stage(t *testing.T, w *world) *stage {
	t.Helper()
	s := newStage(t, w)
	s.resource = cmp.Or(c.resource, seedType)
	w.createRepository(s.repository, types.ImageTagMutabilityMutable)
	for _, tag := range c.foreign {
		s.foreign[tag] = w.push(s.repository, tag, realImage(t, tag))
	}
	// One process for all that leads to the command, and one for all that
	// follows it; the command has its own.
	s.share()
	c.prepare(s)
	s.shared = nil
	return s
}

// share has all commands from here on served by one process.
func (s *stage) share() {
	s.t.Helper()
	s.shared = nil
	p, err := s.start(s.ctx)
	must(s.t, err)
	s.shared = p
}

// place is a request of a command: the nth of its operation. Their order as a
// whole is not the same each time, since blobs are sent side by side.
type place struct {
	service, operation string
	nth                int
}

func (p place) String() string { return fmt.Sprintf("%s %s %d", p.service, p.operation, p.nth) }

// fault is a fault at this request of the stage's own provider.
func (p place) fault(s *stage, kind fakeaws.FaultKind) fakeaws.Fault {
	return fakeaws.Fault{Service: p.service, Operation: p.operation, Nth: p.nth, Kind: kind, Match: s.mine}
}

func (s *stage) mine(r fakeaws.Request) bool { return r.AccessKey == s.key }

// record plays the scenario without any fault and returns its requests.
func (c scenario) record(t *testing.T, w *world) []place {
	t.Helper()
	s := c.stage(t, w)
	before := len(w.Requests())
	must(t, c.command(s))
	counts := map[place]int{}
	var places []place
	for _, r := range w.Requests()[before:] {
		if !s.mine(r) {
			continue
		}
		p := place{service: r.Service, operation: r.Operation}
		counts[p]++
		p.nth = counts[p]
		places = append(places, p)
	}
	c.settled(s, true)
	if len(places) == 0 {
		t.Fatal("the command made no request")
	}
	return places
}

// settled checks what must hold once a command has succeeded: Terraform has
// nothing to add, the pipeline's images are where they were and, in the end,
// the resource leaves nothing behind. owned tells whether it knows of all that
// it has pushed.
func (c scenario) settled(s *stage, owned bool) {
	s.t.Helper()
	s.share()
	if c.gone != (s.state == nil) {
		s.t.Errorf("in the state: %s", s.describe())
	}
	if c.config != nil && !c.gone {
		must(s.t, s.wantNoChange(s.ctx, c.config(s)))
	}
	s.wantForeign()
	must(s.t, s.destroy(s.ctx))
	s.wantForeign()
	for tag, digest := range s.w.contents(s.repository) {
		if s.foreign[tag] == digest {
			continue
		}
		if owned {
			s.t.Errorf("%s was left at %s after the destroy", digest, tag)
		} else if !slices.Contains(c.own(s), digest) {
			s.t.Errorf("%s at %s is nobody's", digest, tag)
		}
	}
}

// own are the digests of the images that a scenario pushes.
func (c scenario) own(s *stage) []string {
	if c.pushes != nil {
		return c.pushes(s)
	}
	return []string{
		digestOf(s.t, placeholder(s.t, "x86_64", seedimage.Response{})),
		digestOf(s.t, placeholder(s.t, "arm64", seedimage.Response{})),
	}
}

func (s *stage) wantForeign() {
	s.t.Helper()
	contents := s.w.contents(s.repository)
	for tag, digest := range s.foreign {
		if contents[tag] != digest {
			s.t.Errorf("the pipeline's tag %s holds %q, want %s", tag, contents[tag], digest)
		}
	}
}

// tally counts outcomes for the log.
type tally struct {
	sync.Mutex
	counts map[string]int
}

func (y *tally) add(outcome string) {
	y.Lock()
	defer y.Unlock()
	if y.counts == nil {
		y.counts = map[string]int{}
	}
	y.counts[outcome]++
}

func (y *tally) String() string {
	y.Lock()
	defer y.Unlock()
	var parts []string
	for _, outcome := range slices.Sorted(maps.Keys(y.counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", y.counts[outcome], outcome))
	}
	return strings.Join(parts, ", ")
}

// Every fault at every request, once and for ever: the command succeeds or
// fails with a clear error, the next one converges, and nothing of the
// pipeline's is lost.
func TestFaults_matrix(t *testing.T) {
	t.Parallel()
	playFaults(t, scenarios)
}

// always has a fault strike every request from its place on.
const always = -1

func playFaults(t *testing.T, scenarios map[string]scenario) {
	t.Helper()
	for name, c := range scenarios {
		t.Run(name, func(t *testing.T) {
			var results tally
			places := c.record(t, c.newWorld(t))
			t.Cleanup(func() {
				t.Logf("%d requests, %d faults at each, once and for ever: %s", len(places), len(fakeaws.FaultKinds()), &results)
			})
			for _, p := range places {
				for _, kind := range fakeaws.FaultKinds() {
					t.Run(p.String()+"/"+string(kind), func(t *testing.T) {
						results.add(c.strike(t, c.newWorld(t), p, kind, 1) + " once")
					})
					// What hangs, and keys that have expired, last anyway.
					if p.nth > 1 || hangs(kind) || kind == fakeaws.FaultExpireKeys {
						continue
					}
					t.Run(p.String()+"/"+string(kind)+" always", func(t *testing.T) {
						results.add(c.strike(t, c.newWorld(t), p, kind, always) + " always")
					})
				}
			}
		})
	}
}
