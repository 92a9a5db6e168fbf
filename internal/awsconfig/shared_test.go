// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestSharedIsMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			value   shared[int]
			made    atomic.Int32
			release = make(chan struct{})
			wg      sync.WaitGroup
		)
		work := func(context.Context) (int, error) {
			made.Add(1)
			<-release
			return 7, nil
		}
		for range 20 {
			wg.Go(func() {
				if got, err := value.get(t.Context(), work); got != 7 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if got, err := value.get(t.Context(), work); got != 7 || err != nil {
			t.Errorf("afterwards: got %d, %v", got, err)
		}
		if made.Load() != 1 {
			t.Errorf("made %d times", made.Load())
		}
	})
}

func TestSharedForgetsFailure(t *testing.T) {
	t.Parallel()
	var value shared[int]
	failure := errors.New("not now")
	if _, err := value.get(t.Context(), func(context.Context) (int, error) { return 0, failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if got, err := value.get(t.Context(), func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
}

// TestSharedOutlivesItsFirstCaller cancels the caller that began the work.
func TestSharedOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var value shared[int]
		release := make(chan struct{})
		work := func(ctx context.Context) (int, error) {
			select {
			case <-release:
				return 7, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := value.get(first, work); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled caller got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if got, err := value.get(t.Context(), work); got != 7 || err != nil {
				t.Errorf("the other caller got %d, %v", got, err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		wg.Wait()
	})
}

// TestSharedStopsWhenNobodyWaits makes sure that a cancelled apply leaves no
// look for credentials running, and that the next caller begins a new one.
func TestSharedStopsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var value shared[int]
		var stopped atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := value.get(ctx, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					stopped.Store(true)
					return 0, ctx.Err()
				})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		synctest.Wait()
		if !stopped.Load() {
			t.Error("the work goes on")
		}
		if got, err := value.get(t.Context(), func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
			t.Errorf("the next caller got %d, %v", got, err)
		}
	})
}
