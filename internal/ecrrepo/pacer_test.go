// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// quota is a server's token bucket, as fakeaws and AWS have it.
type quota struct {
	mu        sync.Mutex
	perSecond float64
	burst     float64
	tokens    float64
	filled    time.Time

	taken, refused int
	times          []time.Time // of the calls that were refused
}

func newQuota(perSecond, burst float64) *quota {
	return &quota{perSecond: perSecond, burst: burst, tokens: burst, filled: time.Now()}
}

func (q *quota) take() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.tokens = min(q.burst, q.tokens+now.Sub(q.filled).Seconds()*q.perSecond)
	q.filled = now
	if q.tokens < 1 {
		q.refused++
		q.times = append(q.times, now)
		return false
	}
	q.tokens--
	q.taken++
	return true
}

// applies lets so many callers at once, of each of so many processes, make all
// the calls through the policy and pacer of their process, and returns how long
// that took. Each call takes the time that a request takes.
func (q *quota) applies(t *testing.T, processes, parallelism, calls int, others time.Duration) time.Duration {
	t.Helper()
	const roundTrip = 30 * time.Millisecond
	began := time.Now()
	var wg sync.WaitGroup
	for range processes {
		p := newPolicy(25, settleTime, maxBackoff)
		pace := newPacer(maxBackoff, p)
		todo := make(chan struct{}, calls)
		for range calls {
			todo <- struct{}{}
		}
		close(todo)
		for range parallelism {
			wg.Go(func() {
				for range todo {
					_ = sleepContext(t.Context(), others)
					err := p.run(t.Context(), true, func() error {
						if err := pace.wait(t.Context()); err != nil {
							return err
						}
						_ = sleepContext(t.Context(), roundTrip)
						if !q.take() {
							pace.throttled()
							return &registryError{status: 429}
						}
						pace.succeeded()
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	return time.Since(began)
}

// A large apply takes little longer than the quota itself: the time is played,
// so that a thousand seeds take no time here.
func TestPacerStaysNearTheQuota(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		perSecond, burst              float64
		processes, parallelism, calls int
		most                          float64 // times what the quota takes
	}{
		"a thousand, parallelism 50": {10, 10, 1, 50, 1000, 1.1},
		"a thousand, parallelism 10": {10, 10, 1, 10, 1000, 1.1},
		// A quota without any burst refuses every call that is a moment early.
		"no burst":                           {10, 1, 1, 50, 1000, 1.8},
		"a raised quota":                     {50, 50, 1, 50, 2000, 1.4},
		"a shared, smaller quota":            {3, 3, 1, 50, 200, 1.3},
		"three applies at once":              {10, 10, 3, 20, 300, 1.25},
		"a single caller is not slowed much": {10, 10, 1, 1, 100, 1.1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newQuota(test.perSecond, test.burst)
				took := q.applies(t, test.processes, test.parallelism, test.calls, 50*time.Millisecond)
				all := test.processes * test.calls
				limit := time.Duration(float64(all) / test.perSecond * float64(time.Second))
				ratio := float64(took) / float64(limit)
				t.Logf("%d calls took %v, %.2f times what the quota takes; %d were refused", all, took.Round(time.Second), ratio, q.refused)
				if ratio > test.most || q.taken != all {
					t.Errorf("%d of %d calls took %v, %.2f times what the quota takes, want at most %.2f", q.taken, all, took, ratio, test.most)
				}
				if q.refused > all {
					t.Errorf("%d calls were refused for %d that were taken", q.refused, all)
				}
			})
		})
	}
}

// No two processes come back in lockstep.
func TestPacerIsNotInLockstep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(10, 10)
		q.applies(t, 5, 20, 50, 0)
		together, longest := 0, 0
		// The first refusals come together: all that were under way at the start.
		later := slices.DeleteFunc(q.times, func(at time.Time) bool { return at.Sub(q.times[0]) < time.Second })
		for i, at := range later {
			if i > 0 && at.Equal(later[i-1]) {
				together++
				longest = max(longest, together)
			} else {
				together = 0
			}
		}
		if longest > 1 || len(later) == 0 {
			t.Errorf("%d later refusals, up to %d in the same moment", len(later), longest+1)
		}
	})
}

// Without throttling nobody waits.
func TestPacerDoesNotSlowTheUnthrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQuota(1e6, 1e6)
		if took := q.applies(t, 1, 50, 1000, 0); took > 1000/50*30*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// While the quota is used up by others the calls become rare, not more than
// every few seconds, and go on when it is free again.
func TestPacerBacksOffAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPolicy(25, settleTime, maxBackoff)
		pace := newPacer(maxBackoff, p)
		for range 100 {
			if err := pace.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			pace.throttled()
		}
		began := time.Now()
		if err := pace.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < maxBackoff/4 || waited > 2*maxBackoff {
			t.Errorf("waited %v between two calls, want about %v", waited, maxBackoff)
		}
		for range 100 {
			pace.succeeded()
		}
		if pace.rate < 10 {
			t.Errorf("%.1f calls a second after a hundred that were taken", pace.rate)
		}
	})
}

func TestPacerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPolicy(25, settleTime, maxBackoff)
		pace := newPacer(maxBackoff, p)
		throttled := &registryError{status: 429, code: "TOOMANYREQUESTS", message: "Rate exceeded"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := p.run(ctx, true, func() error {
			if err := pace.wait(ctx); err != nil {
				return err
			}
			pace.throttled()
			return throttled
		})
		if !errors.Is(err, throttled) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v, want the throttling that was waited for", time.Since(began), err)
		}
	})
}

// The waits between tries are random from the first to the last: callers that
// failed together do not come back together.
func TestPolicyWaitsAtRandom(t *testing.T) {
	t.Parallel()
	var waits []time.Duration
	p := newPolicy(25, settleTime, maxBackoff)
	p.sleep = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	for attempt := 1; attempt <= 30; attempt++ {
		if err := p.wait(t.Context(), attempt); err != nil {
			t.Fatal(err)
		}
	}
	for i, d := range waits {
		if d <= 0 || d > maxBackoff {
			t.Errorf("wait %d: %v", i+1, d)
		}
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(waits)))
	if len(distinct) < len(waits)-1 {
		t.Errorf("%d of %d waits differ", len(distinct), len(waits))
	}
}
