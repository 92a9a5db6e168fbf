// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// An answer that does not come ends with the operation's time limit, which the
// timeouts block sets, and the next command converges.
func TestFaults_timeLimit(t *testing.T) {
	t.Parallel()
	limited := func(s *stage, more block) block {
		b := s.seed(block{"timeouts": map[string]any{"create": "200ms", "read": "200ms", "update": "200ms", "delete": "200ms"}})
		for name, value := range more {
			b[name] = value
		}
		return b
	}
	// The limits come into the state by a change that asks ECR for nothing, so
	// that a slow machine does not meet them on the way.
	unlimited := func(s *stage) { must(s.t, s.run(s.plain())) }
	inState := func(s *stage) {
		unlimited(s)
		must(s.t, s.run(limited(s, nil)))
	}
	for name, test := range map[string]struct {
		operation string
		prepare   func(*stage)
		command   func(*stage) error
	}{
		"create": {"PutImage", func(*stage) {}, func(s *stage) error { return s.run(limited(s, nil)) }},
		"read":   {"BatchGetImage", inState, func(s *stage) error { return s.refresh(s.ctx) }},
		"update": {"PutImage", unlimited, func(s *stage) error { return s.run(limited(s, block{"architectures": []any{"arm64"}})) }},
		"delete": {"BatchDeleteImage", inState, func(s *stage) error { return s.destroy(s.ctx) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := scenario{foreign: []string{"v1"}, prepare: func(*stage) {}}
			s := c.stage(t, w)
			test.prepare(s)
			before := tftypes.Value{}
			if s.state != nil {
				before = s.state.value
			}
			w.Inject(fakeaws.Fault{Operation: test.operation, Count: -1, Match: s.mine, Kind: fakeaws.FaultHang})
			err := test.command(s)
			if err == nil {
				t.Fatal("succeeded without an answer")
			}
			for _, want := range []string{"time limit reached", "set a longer time in the resource's timeouts block", "Repository: " + testHost + "/app"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if !before.IsNull() && (s.state == nil || !s.state.value.Equal(before)) {
				t.Errorf("the state became %s", s.describe())
			}
			w.ClearFaults()
			s.wantForeign()
			must(t, s.run(s.plain()))
			must(t, s.wantNoChange(s.ctx, s.plain()))
			must(t, s.destroy(s.ctx))
			s.wantForeign()
		})
	}
}
