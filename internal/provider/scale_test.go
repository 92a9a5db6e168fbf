// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// fleet is a configuration of many seeds, each in a repository of its own, that
// one process of the provider serves.
type fleet struct {
	w     *world
	seeds []*stage
}

func newFleet(t *testing.T, w *world, n int) *fleet {
	t.Helper()
	f := &fleet{w: w}
	key := w.workspace().key
	for i := range n {
		s := newStage(t, w)
		s.key, s.repository = key, fmt.Sprintf("app-%d", i)
		w.createRepository(s.repository, types.ImageTagMutabilityMutable)
		f.seeds = append(f.seeds, s)
	}
	return f
}

// command runs one command of Terraform over all seeds with a parallelism, in
// one process that waits as long as it does for users.
func (f *fleet) command(t *testing.T, parallelism int, each func(*stage) error) {
	t.Helper()
	p, err := f.seeds[0].startWith(t.Context())
	must(t, err)
	slots := make(chan struct{}, parallelism)
	var wg sync.WaitGroup
	for _, s := range f.seeds {
		s.shared = p
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := each(s); err != nil {
				t.Errorf("%s: %v", s.repository, err)
			}
		})
	}
	wg.Wait()
}

func (f *fleet) operations() map[string]int {
	counts := map[string]int{}
	for _, r := range f.w.Requests() {
		if f.seeds[0].mine(r) {
			counts[r.Operation]++
		}
	}
	return counts
}

// A large apply under ECR's quota for PutImage: no seed fails, the calls that
// are refused are few, and what one process asks once it asks once.
func TestScale_throttledApply(t *testing.T) {
	w := newWorld(t)
	w.SetRateLimit("ecr", "PutImage", 10, 10)
	const seeds = 50
	f := newFleet(t, w, seeds)
	w.ResetRequests()
	f.command(t, 50, func(s *stage) error { return s.run(s.plain()) })
	counts := f.operations()
	refused := counts["PutImage"] - seeds
	t.Logf("%d seeds, %d calls of PutImage refused, requests: %v", seeds, refused, counts)
	if refused < 1 || refused > 2*seeds {
		t.Errorf("%d calls of PutImage were refused for %d seeds", refused, seeds)
	}
	for operation, once := range map[string]int{"GetAuthorizationToken": 1, "GetCallerIdentity": 1, "InitiateLayerUpload": 2 * seeds, "CompleteLayerUpload": 2 * seeds} {
		if counts[operation] != once {
			t.Errorf("%d of %s, want %d", counts[operation], operation, once)
		}
	}
	for _, s := range f.seeds {
		if w.at(s.repository, defaultImageTag) == "" {
			t.Errorf("nothing in %s", s.repository)
		}
	}
}

// A plan over N seeds makes N requests to ECR, besides what the provider asks
// once for all.
func TestScale_plan(t *testing.T) {
	w := newWorld(t)
	const seeds = 30
	f := newFleet(t, w, seeds)
	f.command(t, 10, func(s *stage) error { return s.run(s.plain()) })
	for what, each := range map[string]func(*stage) error{
		"plan":         func(s *stage) error { return s.wantNoChange(s.ctx, s.plain()) },
		"refresh":      func(s *stage) error { return s.refresh(s.ctx) },
		"empty apply":  func(s *stage) error { return s.run(s.plain()) },
		"plan to move": func(s *stage) error { return s.planOnly(s.seed(block{"image_tag": "other"})) },
	} {
		w.ResetRequests()
		f.command(t, 10, each)
		counts := f.operations()
		if counts["BatchGetImage"] != seeds || counts["GetCallerIdentity"] != 1 || len(counts) != 2 {
			t.Errorf("%s of %d seeds: %v", what, seeds, counts)
		}
	}
}

// planOnly is terraform plan.
func (s *stage) planOnly(config block) error {
	p, err := s.start(s.ctx)
	if err != nil {
		return err
	}
	if err := s.read(s.ctx, p); err != nil {
		return err
	}
	_, err = s.plan(s.ctx, p, config)
	return err
}
