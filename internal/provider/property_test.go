// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// propertySeed replays one sequence: LAMBDASEED_PROPERTY_SEED=N.
const propertySeed = "LAMBDASEED_PROPERTY_SEED"

// The property: whatever Terraform and the pipeline do, in whatever order and
// with whatever faults, a tag that the pipeline has pushed stays with its
// digest, and an image that it has pushed never disappears while it counts on
// it, whichever workspace has the same bytes; and nothing else is taken away or
// moved, except by the workspace that has pushed it.
//
// The pipeline counts on what its tags hold and, tagged or not, on every image
// that it was the first to push. A push that changes nothing, because a
// workspace's tag holds these bytes already, does not make the tag its own; nor
// can a workspace tell its own bytes at its own tag from the same bytes that
// the pipeline has put back there.
//
// A sequence is made from its seed alone. `go test` plays the seeds below,
// `make fuzz` others for as long as it is told.
func FuzzRealImagesStay(f *testing.F) {
	if text := os.Getenv(propertySeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	} else {
		for seed := range uint64(80) {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := copyFaultsWorld(t).world
		s := &sequence{
			t: t, w: w, rand: rand.New(rand.NewPCG(seed, 1)),
			images: map[string]bool{}, theirs: map[string]string{}, first: map[string]bool{}, pushed: map[*stage]map[string]bool{},
		}
		defer func() {
			if t.Failed() {
				t.Logf("replay with %s=%d go test -run FuzzRealImagesStay; the steps were:\n  %s", propertySeed, seed, strings.Join(s.steps, "\n  "))
			}
		}()
		s.play(25)
	})
}

// sequence is one random history of a repository, two workspaces that seed the
// same tag of it, a third that seeds another, and a fourth that copies an image
// into it.
type sequence struct {
	t          *testing.T
	w          *world
	rand       *rand.Rand
	workspaces []*stage
	steps      []string
	pushes     int
	// pushed tells what a workspace has put where, "tag digest".
	pushed map[*stage]map[string]bool
	// images are the digests of real images.
	images map[string]bool
	// theirs are the tags that the pipeline has pushed real images to, first the
	// digests of those that it was the first to push.
	theirs map[string]string
	first  map[string]bool
	// before is the repository as it was when the current command began, kept up
	// to date with what the pipeline does meanwhile.
	before snapshot
}

// snapshot is the content of the repository: digests by tag, and all digests.
type snapshot struct {
	tags    map[string]string
	digests []string
}

func (s *sequence) look() snapshot {
	shot := snapshot{tags: map[string]string{}}
	for _, image := range s.w.Images(testRegion, "app") {
		shot.digests = append(shot.digests, image.Digest)
		for _, tag := range image.Tags {
			shot.tags[tag] = image.Digest
		}
	}
	return shot
}

// copies is the workspace that copies.
const copies = 3

func (s *sequence) pick(from ...string) string { return from[s.rand.IntN(len(from))] }

func (s *sequence) play(steps int) {
	for _, tag := range []string{"1", "2"} {
		_, x86, arm := multiPlatform(s.t, tag)
		s.images[digestOf(s.t, x86)], s.images[digestOf(s.t, arm)] = true, true
	}
	s.createRepository()
	for i := range 4 {
		ws := newStage(s.t, s.w)
		if i == copies {
			ws.resource = copyType
		}
		s.workspaces, s.pushed[ws] = append(s.workspaces, ws), map[string]bool{}
	}
	for range steps {
		if s.rand.IntN(5) < 2 {
			s.remember(s.pipeline)
		} else {
			s.terraform()
		}
		if s.t.Failed() {
			return
		}
	}
	for _, ws := range s.workspaces {
		s.command("final destroy", ws, func() error { return ws.destroy(ws.ctx) })
	}
}

func (s *sequence) step(format string, args ...any) {
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

// terraform runs a command in one of the workspaces, often with a fault or with
// the pipeline in between.
func (s *sequence) terraform() {
	i := s.rand.IntN(len(s.workspaces))
	ws := s.workspaces[i]
	extra := block{}
	switch i {
	case 2:
		extra["image_tag"] = s.pick("other", "v1")
	case copies:
		extra = block{"source_image": copyFaultsHost + "/team/app:" + s.pick("1", "2"), "image_tag": s.pick(defaultImageTag, "copied", "v1")}
	}
	if s.rand.IntN(3) == 0 {
		extra["architectures"] = []any{s.pick("x86_64", "arm64")}
	}
	if i != copies && s.rand.IntN(5) == 0 {
		extra["http_response"] = map[string]any{"status_code": 200 + s.rand.IntN(3)}
	}
	if s.rand.IntN(8) == 0 {
		extra["skip_destroy"] = true
	}
	if s.rand.IntN(6) == 0 {
		extra["if_exists"] = "error"
	}
	config := ws.seed(extra)
	who := fmt.Sprintf("workspace %d", i)
	switch s.rand.IntN(10) {
	case 0, 1, 2, 3, 4:
		s.command(fmt.Sprintf("%s: apply %v", who, extra), ws, func() error { return ws.run(config) })
	case 5:
		s.command(who+": refresh", ws, func() error { return ws.refresh(ws.ctx) })
	case 6, 7:
		s.command(who+": destroy", ws, func() error { return ws.destroy(ws.ctx) })
	case 8:
		if ws.state == nil {
			tag := s.pick(defaultImageTag, "v1", "latest")
			s.command(fmt.Sprintf("%s: import %s", who, tag), ws, func() error { return ws.bring(ws.ctx, testRepository+":"+tag) })
			return
		}
		s.command(fmt.Sprintf("%s: taint and apply %v", who, extra), ws, func() error {
			ws.state.tainted = true
			return ws.run(config)
		})
	case 9:
		saved := ws.state
		s.command(fmt.Sprintf("%s: apply %v, killed", who, extra), ws, func() error {
			err := ws.run(config)
			ws.state = saved
			return err
		})
	}
}

// command runs one command of Terraform and checks the property.
func (s *sequence) command(what string, ws *stage, run func() error) {
	s.before = s.look()
	defer s.w.ClearFaults()
	what += s.trouble(ws)
	s.w.ResetRequests()
	s.step("%s", what)
	err := run()
	if err != nil {
		s.step("  failed: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	if errors.Is(err, errBroken) {
		s.t.Errorf("%s: %v", what, err)
	}
	s.check(what, ws)
}

// trouble lets something happen at one of the requests to come: a fault, the
// pipeline, or both.
func (s *sequence) trouble(ws *stage) string {
	switch s.rand.IntN(6) {
	case 0:
		return s.fault(ws)
	case 1:
		return s.meanwhile(ws)
	case 2:
		return s.fault(ws) + s.meanwhile(ws)
	case 3:
		return s.failing(ws) + s.meanwhile(ws)
	}
	return ""
}

var readingPlaces = []place{
	{"ecr", "BatchGetImage", 1},
	{"ecr", "BatchGetImage", 2},
	{"ecr", "BatchGetImage", 3},
	{"ecr", "BatchGetImage", 4},
	{"ecr", "ListImages", 1},
	{"ecr-registry", "InitiateLayerUpload", 1},
	{"ecr-registry", "CompleteLayerUpload", 2},
	{"ecr", "DescribeImages", 1},
}

var writingPlaces = []place{{"ecr", "PutImage", 1}, {"ecr", "BatchDeleteImage", 1}}

func (s *sequence) place(from ...place) place { return from[s.rand.IntN(len(from))] }

func (s *sequence) fault(ws *stage) string {
	kinds := slices.DeleteFunc(fakeaws.FaultKinds(), hangs)
	kind, p := kinds[s.rand.IntN(len(kinds))], s.place(slices.Concat(readingPlaces, writingPlaces)...)
	fault := p.fault(ws, kind)
	fault.Count = 1 + s.rand.IntN(4)
	s.w.Inject(fault)
	return fmt.Sprintf(" (%s at %s, %d times)", kind, p, fault.Count)
}

// meanwhile has the pipeline push at a request. ECR has no conditional put and
// no conditional delete: between the last look and one of these, one round trip
// remains, which the documentation names. Everywhere else the pipeline may come
// in between.
func (s *sequence) meanwhile(ws *stage) string {
	p, tag := s.place(readingPlaces...), s.pick(defaultImageTag, "v1", "other", "copied")
	fault := p.fault(ws, fakeaws.FaultHook)
	fault.Before = func(fakeaws.Request) { s.interfere(tag) }
	s.w.Inject(fault)
	return fmt.Sprintf(" (the pipeline pushes to %s at %s)", tag, p)
}

// failing has the pipeline push while a put or a delete fails: the next try is
// another request, and the look before it has to see that.
func (s *sequence) failing(ws *stage) string {
	p, tag := s.place(writingPlaces...), s.pick(defaultImageTag, "v1", "other", "copied")
	dropped := s.rand.IntN(2) == 0
	fault := p.fault(ws, fakeaws.FaultHandler)
	fault.Handler = func(w http.ResponseWriter, _ *http.Request) {
		s.interfere(tag)
		if dropped {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, `{"__type":"ServerException"}`, http.StatusInternalServerError)
	}
	s.w.Inject(fault)
	return fmt.Sprintf(" (%s fails, dropped %v, while the pipeline pushes to %s)", p, dropped, tag)
}

// interfere is a push in the middle of a command. What Terraform had done until
// then is judged by what was before.
func (s *sequence) interfere(tag string) {
	if !slices.Contains(s.w.Repositories(testRegion), "app") {
		return
	}
	now := s.look()
	s.remember(func() { s.push(tag) })
	after := s.look()
	for tag, digest := range after.tags {
		if now.tags[tag] != digest {
			s.before.tags[tag] = digest
		}
	}
	s.before.digests = append(s.before.digests, after.digests...)
}

// check is the property.
func (s *sequence) check(what string, ws *stage) {
	after := s.look()
	for tag, digest := range s.before.tags {
		if after.tags[tag] != digest && !s.pushed[ws][tag+" "+digest] {
			s.t.Errorf("%s: %s was at %s (the pipeline's: %v), where there is %q now", what, digest, tag, s.theirs[tag] == digest, after.tags[tag])
		}
	}
	for _, digest := range s.before.digests {
		if s.first[digest] && !slices.Contains(after.digests, digest) {
			s.t.Errorf("%s: the pipeline's image %s is gone", what, digest)
		}
	}
	for tag, digest := range after.tags {
		if s.before.tags[tag] != digest {
			s.pushed[ws][tag+" "+digest] = true
		}
	}
}
