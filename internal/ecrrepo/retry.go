// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	// maxBackoff bounds the wait between two tries of a call to the registry.
	maxBackoff = 5 * time.Second
	// settleTime is how long a repository that ECR says does not exist may
	// still be one that has just been created: DescribeRepositories can answer
	// so right after CreateRepository (hashicorp/terraform-provider-aws#3849).
	settleTime = 15 * time.Second
	// throttledTries bounds the tries of a throttled call to the registry.
	// PutImage is limited to about ten calls a second in a region, so that a
	// large apply waits its turn here; the operation's time limit ends it, too.
	throttledTries = 200
)

// policy is the one place that decides about trying again. The calls of the
// SDK are retried by the SDK's own retryer (max_retries and retry_mode of the
// provider block); what is here serves the registry, which the SDK does not
// speak to, and the time in which a new repository becomes visible.
type policy struct {
	// maxTries bounds the tries after faults: the provider's max_retries.
	maxTries   int
	settleTime time.Duration
	backoff    *retry.ExponentialJitterBackoff
	// sleep waits or returns the context's error.
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
}

func newPolicy(maxTries int, settleTime, maxBackoff time.Duration) *policy {
	return &policy{
		maxTries:   max(maxTries, 1),
		settleTime: settleTime,
		backoff:    retry.NewExponentialJitterBackoff(maxBackoff),
		sleep:      sleepContext,
		now:        time.Now,
	}
}

// registry runs a call to the registry until it succeeds, fails for good, or
// its tries are used up.
func (p *policy) registry(ctx context.Context, call func() error) error {
	faults, throttles := 0, 0
	renewed := false
	for {
		err := call()
		if err == nil || ctx.Err() != nil {
			return err
		}
		answer, _ := errors.AsType[*registryError](err)
		attempt := 0
		switch {
		case answer == nil:
			return err
		case answer.rejectedToken() && !renewed:
			// The transport has dropped the token, the next try asks for a new
			// one. Once only: a fresh token that is refused stays refused.
			renewed = true
			continue
		case answer.throttled():
			throttles++
			if throttles >= throttledTries {
				return err
			}
			attempt = throttles
		case answer.temporary():
			faults++
			if faults >= p.maxTries {
				return err
			}
			attempt = faults
		default:
			return err
		}
		if err := p.wait(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// settle runs a call until the repository is visible, for at most its settleTime.
func (p *policy) settle(ctx context.Context, call func() error) error {
	end := p.now().Add(p.settleTime)
	for attempt := 1; ; attempt++ {
		err := call()
		if !errors.Is(err, ErrRepositoryNotFound) || !p.now().Before(end) {
			return err
		}
		if waitErr := p.wait(ctx, attempt, err); waitErr != nil {
			return waitErr
		}
	}
}

// wait sleeps for the attempt's backoff, with jitter; a wait that is cut short
// returns the error that was waited for, so that the cause is not lost.
func (p *policy) wait(ctx context.Context, attempt int, cause error) error {
	// The SDK's backoff starts at up to one second and doubles; a bounded
	// exponent keeps the wait at its maximum from there on.
	d, err := p.backoff.BackoffDelay(min(attempt, 6)-1, cause)
	if err != nil {
		return errors.Join(cause, err)
	}
	if p.sleep(ctx, d) != nil {
		return cause
	}
	return nil
}

func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
