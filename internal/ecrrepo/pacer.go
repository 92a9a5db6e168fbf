// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// firstRate is what a pacer begins with when it is throttled for the first
	// time, in calls a second: ECR's quota for PutImage in an account that has
	// not raised it (seen in containerd/containerd#10447).
	firstRate = 10
	// With every call that succeeds the rate grows by growth calls a second,
	// that is by about a tenth in a second; a throttled one multiplies it by
	// shrink, once in shrinkEvery, because the calls that were under way
	// together are throttled together.
	growth      = 0.1
	shrink      = 0.85
	shrinkEvery = 500 * time.Millisecond
)

// pacer spaces the calls of one kind that a process makes, once ECR has
// throttled one: it looks for the rate that ECR takes and stays near it.
// Waiting by each caller alone, ever longer as is usual, would leave the quota
// unused while all wait, and be unfair to those who have waited long. Callers
// get their turn in the order in which they come.
type pacer struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	// slowest bounds the rate from below, in calls a second.
	slowest float64

	mu       sync.Mutex
	rate     float64   // 0 until a call was throttled
	next     time.Time // when the next turn is
	shrunkAt time.Time
}

// newPacer returns a pacer that waits no longer than longest between two calls.
func newPacer(longest time.Duration, p *policy) *pacer {
	return &pacer{now: p.now, sleep: p.sleep, slowest: float64(time.Second) / float64(max(longest, time.Millisecond))}
}

// wait returns when it is the caller's turn, or with the context's error.
func (p *pacer) wait(ctx context.Context) error {
	if d := p.turn(); d > 0 {
		return p.sleep(ctx, d)
	}
	return ctx.Err()
}

func (p *pacer) turn() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return 0
	}
	now := p.now()
	if p.next.Before(now) {
		p.next = now
	}
	d := p.next.Sub(now)
	// A random tenth more or less, so that processes that were throttled
	// together do not stay in step.
	interval := float64(time.Second) / p.rate * (0.9 + 0.2*rand.Float64())
	p.next = p.next.Add(time.Duration(interval))
	return d
}

// succeeded is told of a call that ECR took.
func (p *pacer) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate > 0 {
		p.rate += growth
	}
}

// throttled is told of a call that ECR refused for its rate.
func (p *pacer) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	switch {
	case p.rate == 0:
		p.rate = max(firstRate, p.slowest)
	case now.Sub(p.shrunkAt) < shrinkEvery:
		return
	default:
		p.rate = max(p.rate*shrink, p.slowest)
	}
	p.shrunkAt = now
}
