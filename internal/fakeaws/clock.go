// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"sync"
	"time"
)

// clock is the server's notion of now: the machine's, moved by what a test
// added. Tokens expire and images are dated by it.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// Now is the server's time: what imagePushedAt, token expiry and temporary
// credentials are measured by.
func (s *Server) Now() time.Time { return s.clock.now() }

// Advance moves the server's clock forward. Nothing sleeps.
func (s *Server) Advance(d time.Duration) { s.clock.advance(d) }
