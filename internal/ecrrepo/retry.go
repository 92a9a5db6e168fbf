// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

const (
	// maxBackoff bounds the wait between two tries of a call.
	maxBackoff = 5 * time.Second
	// settleTime is how long a repository that ECR says does not exist may
	// still be one that has just been created: DescribeRepositories can answer
	// so right after CreateRepository (hashicorp/terraform-provider-aws#3849).
	settleTime = 15 * time.Second
	// throttledTries bounds the tries of a throttled call. PutImage is limited
	// to about ten calls a second in a region, so that a large apply waits its
	// turn here; the operation's time limit ends it, too.
	throttledTries = 200
)

// policy is the one place that decides about trying again. Most calls of the
// SDK are retried by the SDK's own retryer (max_retries and retry_mode of the
// provider block); what is here serves the registry, which the SDK does not
// speak to, PutImage, before whose next try the tag has to be looked at, and
// the time in which a new repository becomes visible.
type policy struct {
	// maxTries bounds the tries after faults: the provider's max_retries.
	maxTries   int
	settleTime time.Duration
	maxBackoff time.Duration
	// sleep waits or returns the context's error.
	sleep func(context.Context, time.Duration) error
	now   func() time.Time
}

func newPolicy(maxTries int, settleTime, maxBackoff time.Duration) *policy {
	return &policy{
		maxTries:   max(maxTries, 1),
		settleTime: settleTime,
		maxBackoff: maxBackoff,
		sleep:      sleepContext,
		now:        time.Now,
	}
}

// remedy is what a failed call asks for.
type remedy int

const (
	giveUp remedy = iota
	renewToken
	slowDown
	tryAgain
)

// run makes a call until it succeeds, fails for good, or its tries are used
// up. A call that is paced waits by itself after it was throttled.
func (p *policy) run(ctx context.Context, paced bool, call func() error) error {
	faults, throttles := 0, 0
	renewed := false
	var last error
	for {
		err := call()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			if last != nil && errors.Is(err, ctx.Err()) {
				return last // What was being waited for says more.
			}
			return err
		}
		last = err
		attempt := 0
		switch remedyFor(err) {
		case giveUp:
			return err
		case renewToken:
			// The transport has dropped the token, the next try asks for a new
			// one. Once only: a fresh token that is refused stays refused.
			if renewed {
				return err
			}
			renewed = true
			continue
		case slowDown:
			throttles++
			if throttles >= throttledTries {
				return err
			}
			if paced {
				continue
			}
			attempt = throttles
		case tryAgain:
			faults++
			if faults >= p.maxTries {
				return err
			}
			attempt = faults
		}
		if p.wait(ctx, attempt) != nil {
			return err
		}
	}
}

// remedyFor sorts the errors of the registry's transport, those of where an
// image's content comes from, and those of an SDK call that the SDK was told
// not to retry. An *Error comes from a call that has
// had its tries.
func remedyFor(err error) remedy {
	if unread, ok := errors.AsType[*contentError](err); ok {
		if unread.temporary() {
			return tryAgain
		}
		return giveUp
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return giveUp
	}
	if _, ok := errors.AsType[*tokenError](err); ok {
		return giveUp
	}
	if answer, ok := errors.AsType[*registryError](err); ok {
		switch {
		case answer.rejectedToken():
			return renewToken
		case answer.throttled():
			return slowDown
		case answer.temporary():
			return tryAgain
		}
		return giveUp
	}
	status := 0
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && isThrottle(api.ErrorCode()) || status == http.StatusTooManyRequests {
		return slowDown
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok && status < 400 {
		return tryAgain // Cut off, or from something in between.
	}
	if retry.IsErrorRetryables(retryables).IsErrorRetryable(err) == aws.TrueTernary {
		return tryAgain
	}
	return giveUp
}

// retryables are the SDK's own, without the throttling codes, which for the SDK
// include LimitExceededException: ECR's word for a full repository.
var retryables = []retry.IsErrorRetryable{
	retry.NoRetryCanceledError{},
	retry.RetryableError{},
	retry.RetryableConnectionError{},
	retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
	retry.RetryableErrorCode{Codes: retry.DefaultRetryableErrorCodes},
}

// isThrottle tells the codes for "too many requests" (ECR API reference,
// common errors).
func isThrottle(code string) bool {
	switch code {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
		return true
	}
	return false
}

// settle runs a call until the repository is visible, for at most its settleTime.
func (p *policy) settle(ctx context.Context, call func() error) error {
	end := p.now().Add(p.settleTime)
	for attempt := 1; ; attempt++ {
		err := call()
		if !errors.Is(err, ErrRepositoryNotFound) || !p.now().Before(end) {
			return err
		}
		if p.wait(ctx, attempt) != nil {
			return err
		}
	}
}

// wait sleeps before the try after the attempt-th: for a random time of up to
// half a second after the first, doubling with each, at most maxBackoff. All
// of it is random, so that tries that failed together do not come together.
func (p *policy) wait(ctx context.Context, attempt int) error {
	ceiling := min(p.maxBackoff, time.Second<<min(attempt, 10)/4)
	return p.sleep(ctx, rand.N(ceiling)+1)
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
