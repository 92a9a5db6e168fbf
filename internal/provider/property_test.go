// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// propertySeed replays one sequence: LAMBDASEED_PROPERTY_SEED=N.
const propertySeed = "LAMBDASEED_PROPERTY_SEED"

// The property: whatever Terraform and the pipeline do, in whatever order and
// with whatever faults, a real image never disappears and is never moved,
// except by the pipeline itself; and a placeholder never, except by the
// workspace that has pushed it.
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
		for seed := range uint64(25) {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := copyFaultsWorld(t).world
		s := &sequence{t: t, w: w, rand: rand.New(rand.NewPCG(seed, 1)), images: map[string]string{}, pushed: map[*stage]map[string]bool{}}
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
	// pushed tells which placeholders a workspace has put where, "tag digest".
	pushed map[*stage]map[string]bool
	// images are what the tests have pushed as real images: digest by name.
	images map[string]string
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

func (s *sequence) real(digest string) bool {
	for _, known := range s.images {
		if known == digest {
			return true
		}
	}
	return false
}

// copies is the workspace that copies.
const copies = 3

func (s *sequence) pick(from ...string) string { return from[s.rand.IntN(len(from))] }

func (s *sequence) play(steps int) {
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
			s.pipeline()
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

func (s *sequence) createRepository() {
	modes := []types.ImageTagMutability{
		types.ImageTagMutabilityMutable, types.ImageTagMutabilityMutable, types.ImageTagMutabilityImmutable, types.ImageTagMutabilityImmutableWithExclusion,
	}
	mode := modes[s.rand.IntN(len(modes))]
	var exclusions []string
	if mode == types.ImageTagMutabilityImmutableWithExclusion {
		exclusions = []string{s.pick("latest", "lambdaseed-*")}
	}
	s.step("pipeline: create the repository, %s %v", mode, exclusions)
	s.w.createRepository("app", mode, exclusions...)
}

// pipeline does what a pipeline, a lifecycle policy or a person does.
func (s *sequence) pipeline() {
	if s.look().digests == nil && !slices.Contains(s.w.Repositories(testRegion), "app") {
		s.createRepository()
		return
	}
	tag := s.pick(defaultImageTag, defaultImageTag, "latest", "v1", "v2", "copied")
	switch s.rand.IntN(9) {
	case 0, 1, 2, 3:
		s.push(tag)
	case 4:
		s.step("pipeline: push a placeholder to %s", tag)
		s.pushImage(tag, olderPlaceholder(s.t, s.pick("x86_64", "arm64")))
	case 5:
		s.step("pipeline: delete tag %s", tag)
		_, _ = s.w.ecr().BatchDeleteImage(s.w.ctx(), &ecr.BatchDeleteImageInput{
			RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: &tag}},
		})
	case 6:
		s.step("lifecycle policy: expire the image at %s", tag)
		s.w.ExpireImage(testRegion, "app", tag)
	case 7:
		from := s.look().tags[tag]
		to := s.pick("kept", "v1", defaultImageTag)
		s.step("pipeline: give %s, which is at %s, the tag %s", from, tag, to)
		s.retag(tag, to)
	case 8:
		if s.rand.IntN(3) == 0 {
			s.step("somebody: delete the repository")
			s.w.deleteRepository("app")
		}
	}
}

// push puts a new real image at a tag, or tries to.
func (s *sequence) push(tag string) {
	s.pushes++
	content := fmt.Sprintf("real %d", s.pushes)
	s.step("pipeline: push %s to %s", content, tag)
	img := realImage(s.t, content)
	s.images[content] = digestOf(s.t, img)
	s.pushImage(tag, img)
}

func (s *sequence) retag(from, to string) {
	out, err := s.w.ecr().BatchGetImage(s.w.ctx(), &ecr.BatchGetImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: &from}}})
	if err != nil || len(out.Images) == 0 {
		return
	}
	_, _ = s.w.ecr().PutImage(s.w.ctx(), &ecr.PutImageInput{
		RepositoryName: aws.String("app"), ImageTag: &to, ImageManifest: out.Images[0].ImageManifest, ImageManifestMediaType: out.Images[0].ImageManifestMediaType,
	})
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

// trouble lets something happen at one of the requests to come.
func (s *sequence) trouble(ws *stage) string {
	places := []place{
		{"ecr", "BatchGetImage", 1},
		{"ecr", "BatchGetImage", 2},
		{"ecr", "BatchGetImage", 3},
		{"ecr", "PutImage", 1},
		{"ecr", "ListImages", 1},
		{"ecr-registry", "InitiateLayerUpload", 1},
		{"ecr-registry", "CompleteLayerUpload", 2},
		{"ecr", "BatchDeleteImage", 1},
		{"ecr", "DescribeImages", 1},
	}
	p := places[s.rand.IntN(len(places))]
	switch s.rand.IntN(4) {
	case 0:
		kinds := slices.DeleteFunc(fakeaws.FaultKinds(), hangs)
		kind := kinds[s.rand.IntN(len(kinds))]
		fault := p.fault(ws, kind)
		fault.Count = 1 + s.rand.IntN(4)
		s.w.Inject(fault)
		return fmt.Sprintf(" (%s at %s, %d times)", kind, p, fault.Count)
	case 1:
		// ECR has no conditional put and no conditional delete: between the last
		// look and one of these, one round trip remains, which the documentation
		// names. Everywhere else the pipeline may come in between.
		if p.operation == "PutImage" || p.operation == "BatchDeleteImage" {
			return ""
		}
		tag := s.pick(defaultImageTag, "v1", "other", "copied")
		fault := p.fault(ws, fakeaws.FaultHook)
		fault.Before = func(fakeaws.Request) {
			if !slices.Contains(s.w.Repositories(testRegion), "app") {
				return
			}
			now := s.look()
			s.push(tag)
			// What Terraform had done until then is judged by what was before.
			after := s.look()
			for tag, digest := range after.tags {
				if now.tags[tag] != digest {
					s.before.tags[tag] = digest
				}
			}
			s.before.digests = append(s.before.digests, after.digests...)
		}
		s.w.Inject(fault)
		return fmt.Sprintf(" (the pipeline pushes to %s at %s)", tag, p)
	}
	return ""
}

// check is the property.
func (s *sequence) check(what string, ws *stage) {
	after := s.look()
	for tag, digest := range s.before.tags {
		if s.real(digest) && after.tags[tag] != digest {
			s.t.Errorf("%s: the real image %s was at %s, where there is %q now", what, digest, tag, after.tags[tag])
		}
	}
	for _, digest := range s.before.digests {
		if s.real(digest) && !slices.Contains(after.digests, digest) {
			s.t.Errorf("%s: the real image %s is gone", what, digest)
		}
	}
	// Placeholders: changed by their owner alone.
	for tag, digest := range s.before.tags {
		if after.tags[tag] != digest && !s.real(digest) && !s.pushed[ws][tag+" "+digest] {
			s.t.Errorf("%s: the placeholder %s at %s, which this workspace did not push, became %q", what, digest, tag, after.tags[tag])
		}
	}
	for tag, digest := range after.tags {
		if s.before.tags[tag] != digest && !s.real(digest) {
			s.pushed[ws][tag+" "+digest] = true
		}
	}
}

// pushImage is a push that the repository may refuse: its tags may be
// immutable.
func (s *sequence) pushImage(tag string, img v1.Image) {
	ref, err := name.NewTag(testRepository + ":" + tag)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := remote.Write(ref, img, s.w.RemoteOptions(s.w.ctx())...); err != nil {
		s.step("  refused: %.80s", err)
	}
}
