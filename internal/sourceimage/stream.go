// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stream is a blob on its way out of the registry. It is asked for at the first
// read, so that a target that has the blob already costs the source nothing.
// The last bytes are given out only after size and digest were found to be
// right: a target never has the whole of a blob that is not what it should be.
//
// Close may come while a Read waits, as net/http does it, and ends it.
type stream struct {
	client *client
	ctx    context.Context //nolint:containedctx // Of the operation that the stream is a part of; io.Reader takes none.
	cancel context.CancelFunc
	digest v1.Hash
	size   int64

	mu    sync.Mutex
	watch *watch
	body  io.ReadCloser
	sum   hash.Hash
	read  int64
	err   error
}

var _ io.ReadCloser = (*stream)(nil)

func newStream(ctx context.Context, c *client, digest v1.Hash, size int64) *stream {
	ctx, cancel := context.WithCancel(ctx)
	return &stream{client: c, ctx: ctx, cancel: cancel, digest: digest, size: size}
}

// Read implements io.Reader; its errors but for io.EOF are of type *Error.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.next(p)
	if err != nil {
		s.end(err)
	}
	return n, err
}

func (s *stream) next(p []byte) (int, error) {
	switch {
	case s.body == nil:
		if err := s.open(); err != nil {
			return 0, err
		}
	case s.read == s.size:
		return 0, io.EOF
	default:
		s.watch.resume()
	}
	// Never more than the blob has, whatever the registry sends behind it.
	n, err := s.body.Read(p[:min(int64(len(p)), s.size-s.read)])
	s.watch.pause()
	s.read += int64(n)
	s.sum.Write(p[:n])
	switch {
	case s.read == s.size:
		if got := hex.EncodeToString(s.sum.Sum(nil)); got != s.digest.Hex {
			return 0, s.client.errorf(ErrCorrupt, "the blob %s came as sha256:%s", s.digest, got)
		}
		return n, nil
	case errors.Is(err, io.EOF):
		// Cut off by something that had not said how much would come.
		e := s.client.errorf(ErrUnreachable, "the blob %s ended after %d of %d bytes", s.digest, s.read, s.size)
		e.temporary = true
		return 0, e
	case err != nil:
		return 0, s.client.brokenOff(s.watch.ctx, err)
	}
	return n, nil
}

func (s *stream) open() error {
	s.watch = s.client.watch(s.ctx)
	body, err := s.client.blob(s.watch.ctx, s.digest, s.size)
	if err != nil {
		return s.client.newError(s.watch.ctx, err)
	}
	s.body, s.sum = body, sha256.New()
	return nil
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.cancel() // A Read that waits returns.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.end(os.ErrClosed)
	}
	return nil
}

func (s *stream) end(err error) {
	s.err = err
	s.cancel()
	if s.watch != nil {
		s.watch.close()
	}
	if s.body != nil {
		_ = s.body.Close()
	}
}

// brokenOff is the error of an answer that began and did not come to its end.
func (c *client) brokenOff(ctx context.Context, err error) *Error {
	e := c.newError(ctx, err)
	if !errors.Is(e, ErrTimeout) && !errors.Is(e, ErrCanceled) {
		e.reason, e.temporary = ErrUnreachable, true
	}
	return e
}
