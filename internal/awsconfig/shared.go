// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"
	"sync"
)

// shared is a value that is made at most once, by whoever asks first, for all
// who ask meanwhile. A failure goes to those who waited for it and is then
// forgotten.
//
// It is not a singleflight.Group because the work must go on while anybody
// waits and stop when nobody does: with a first caller's context, its
// cancellation would fail the others; with none, a cancelled apply would leave
// the look-up running.
type shared[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
	call  *sharedCall[T]
}

type sharedCall[T any] struct {
	finished chan struct{}
	cancel   context.CancelFunc
	waiting  int
	value    T
	err      error
}

func (s *shared[T]) get(ctx context.Context, work func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	if s.done {
		defer s.mu.Unlock()
		return s.value, nil
	}
	if err := ctx.Err(); err != nil {
		defer s.mu.Unlock()
		var zero T
		return zero, err
	}
	call := s.call
	if call == nil {
		workCtx, cancel := context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // run calls it at the end, leave before that.
		call = &sharedCall[T]{finished: make(chan struct{}), cancel: cancel}
		s.call = call
		go s.run(workCtx, call, work)
	}
	call.waiting++
	s.mu.Unlock()

	select {
	case <-call.finished:
		return call.value, call.err
	case <-ctx.Done():
		s.leave(call)
		var zero T
		return zero, ctx.Err()
	}
}

func (s *shared[T]) run(ctx context.Context, call *sharedCall[T], work func(context.Context) (T, error)) {
	defer call.cancel()
	call.value, call.err = work(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call == call {
		s.call = nil
		if call.err == nil {
			s.done, s.value = true, call.value
		}
	}
	close(call.finished)
}

// leave takes one waiter away. The last one stops the work and clears the way,
// so that whoever comes next starts afresh instead of joining a dying call.
func (s *shared[T]) leave(call *sharedCall[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.waiting--
	if call.waiting == 0 && s.call == call {
		s.call = nil
		call.cancel()
	}
}
