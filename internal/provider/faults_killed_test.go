// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// The provider's process is killed at any request, before the server has done
// it or after: nothing that it would have answered reaches Terraform's state.
// The same command, run again, converges.
func TestFaults_killed(t *testing.T) {
	t.Parallel()
	playKills(t, scenarios)
}

func playKills(t *testing.T, scenarios map[string]scenario) {
	t.Helper()
	for name, c := range scenarios {
		t.Run(name, func(t *testing.T) {
			var results tally
			places := c.record(t, c.newWorld(t))
			t.Cleanup(func() { t.Logf("killed at each of %d requests, before and after it: %s", len(places), &results) })
			for _, p := range places {
				for _, kind := range []fakeaws.FaultKind{fakeaws.FaultDropBefore, fakeaws.FaultDropAfter} {
					t.Run(p.String()+"/"+string(kind), func(t *testing.T) {
						results.add(c.kill(t, c.newWorld(t), p, kind))
					})
				}
			}
		})
	}
}

// kill plays the scenario until a request, from which on the process gets and
// does nothing more, forgets what it answers, and plays it again.
func (c scenario) kill(t *testing.T, w *world, p place, kind fakeaws.FaultKind) string {
	t.Helper()
	s := c.stage(t, w)
	saved, before := s.state, len(w.Requests())
	var dead atomic.Bool
	last := w.Inject(p.fault(s, kind))
	w.Inject(fakeaws.Fault{Count: -1, Kind: fakeaws.FaultDropBefore, Match: func(r fakeaws.Request) bool {
		if !s.mine(r) {
			return false
		}
		select {
		case <-last.Struck():
			dead.Store(true)
		default:
		}
		return dead.Load()
	}})
	_ = c.command(s) // Nobody hears what it says.
	if len(last.Hits()) != 1 {
		t.Fatalf("killed %d times", len(last.Hits()))
	}
	w.ClearFaults()
	s.state = saved
	// A manifest that was sent by a process that was killed before Terraform
	// knew is nobody's from then on: it is used, and not deleted.
	arrived := slices.ContainsFunc(w.Requests()[before:], func(r fakeaws.Request) bool {
		return s.mine(r) && r.Operation == "PutImage" && (r.Status == http.StatusOK || r.Fault == string(fakeaws.FaultDropAfter))
	})

	s.wantForeign()
	must(t, c.command(s))
	c.settled(s, !arrived)
	if arrived {
		return "after its push had arrived"
	}
	return "without a trace"
}
