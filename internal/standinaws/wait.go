// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"time"
)

// propagation is how long the original waits for IAM and Lambda to agree.
const propagation = 5 * time.Minute

// until calls done at growing intervals until it reports true or an error, the
// context ends, or limit has passed. The original polls every few seconds; the
// emulator behind the stand-in answers at once, so this starts at milliseconds.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("timeout while waiting (%s)", limit))
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// retried calls f again as long as again says that its error is passing, for at
// most the propagation time. It returns the last error.
func retried[T any](ctx context.Context, f func() (T, error), again func(error) bool) (out T, err error) {
	timeout := until(ctx, propagation, func() (bool, error) {
		if out, err = f(); err != nil && !again(err) {
			return false, err
		}
		return err == nil, nil
	})
	if err == nil {
		err = timeout
	}
	return out, err
}
