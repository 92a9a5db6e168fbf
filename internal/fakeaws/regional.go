// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import "sync"

// regionKey names one region of one account: the unit of AWS state.
type regionKey struct{ Account, Region string }

// regional keeps one T per account and region, made when first asked for.
type regional[T any] struct {
	mu    sync.Mutex
	make  func(regionKey) *T
	state map[regionKey]*T
}

func newRegional[T any](construct func(regionKey) *T) *regional[T] {
	return &regional[T]{make: construct, state: map[regionKey]*T{}}
}

func (r *regional[T]) get(account, region string) *T {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := regionKey{account, region}
	t, ok := r.state[key]
	if !ok {
		t = r.make(key)
		r.state[key] = t
	}
	return t
}
