// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// A registry's host is asked for once, however many repositories need it at the
// same time; a failure is not kept, and a caller that gives up does not hold
// the others.
func TestRegionClient_host(t *testing.T) {
	t.Parallel()
	c := &regionClient{hosts: map[string]string{}, hostsBusy: make(chan struct{}, 1)}

	failure := errors.New("denied")
	if _, err := c.host(t.Context(), "1", func() (string, error) { return "", failure }); !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}

	asked := 0
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			host, err := c.host(t.Context(), "1", func() (string, error) { asked++; return "one.example", nil })
			if host != "one.example" || err != nil {
				t.Errorf("got %s, %v", host, err)
			}
		})
	}
	callers.Wait()
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}

	host, err := c.host(t.Context(), "2", func() (string, error) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.host(gone, "2", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gives up gets %v", err)
		}
		return "two.example", nil
	})
	if host != "two.example" || err != nil {
		t.Errorf("got %s, %v", host, err)
	}
}

func TestRepositoryURL_withoutHost(t *testing.T) {
	t.Parallel()
	if got := (RepositoryURL{Name: "team/app"}).String(); got != "team/app" {
		t.Errorf("got %q", got)
	}
}
