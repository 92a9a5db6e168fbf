// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"sync"
	"time"
)

// limits holds the quotas on operations, each a token bucket per account and region.
type limits struct {
	mu      sync.Mutex
	rates   map[string]rate
	buckets map[limitKey]*bucket
}

type rate struct {
	perSecond float64
	burst     int
}

type limitKey struct{ operation, account, region string }

type bucket struct {
	tokens float64
	filled time.Time
}

// SetRateLimit lets an operation of a service ("ecr", "PutImage") happen
// perSecond times a second in each account and region, with a burst; more is
// throttled. The registry's verbs count as the ECR operations that they stand
// for, so PutImage limits PUT manifest too. perSecond 0 takes the limit away.
// ECR's own: PutImage 10 a second (seen in containerd/containerd#10447).
func (s *Server) SetRateLimit(service, operation string, perSecond float64, burst int) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	key := service + ":" + operation
	if perSecond <= 0 {
		delete(s.limits.rates, key)
		return
	}
	s.limits.rates[key] = rate{perSecond, burst}
	clear(s.limits.buckets)
}

// take tells whether the operation may happen now.
func (l *limits) take(now time.Time, service, operation, account, region string) bool {
	if service == serviceRegistry {
		service = serviceECR
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	quota, ok := l.rates[service+":"+operation]
	if !ok {
		return true
	}
	key := limitKey{service + ":" + operation, account, region}
	b, ok := l.buckets[key]
	if !ok {
		b = &bucket{tokens: float64(quota.burst), filled: now}
		l.buckets[key] = b
	}
	b.tokens = min(float64(quota.burst), b.tokens+now.Sub(b.filled).Seconds()*quota.perSecond)
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
