// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

func TestTokenIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var repositories []*Repository
	for i := range 30 {
		repositories = append(repositories, w.repository(fmt.Sprintf("app-%d", i)))
	}
	w.ResetRequests()
	var wg sync.WaitGroup
	for _, r := range repositories {
		wg.Go(func() {
			if _, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.asked("GetAuthorizationToken"); n != 1 {
		t.Errorf("%d tokens for %d puts at once, want 1", n, len(repositories))
	}
}

// source returns a token source of the client under test with a clock of its
// own.
func (w *world) source(now func() time.Time) *tokenSource {
	w.t.Helper()
	region, err := w.client.region(w.t.Context(), testRegion)
	if err != nil {
		w.t.Fatal(err)
	}
	return newTokenSource(region.api, nil, now)
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lifetime       time.Duration
		kept, tooClose time.Duration
	}{
		"ECR's twelve hours": {12 * time.Hour, 11*time.Hour + 29*time.Minute, 11*time.Hour + 31*time.Minute},
		"a short one":        {8 * time.Minute, 5*time.Minute + 59*time.Second, 6*time.Minute + time.Second},
		"ended already":      {-time.Minute, -time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			begin := time.Now()
			w.Inject(fakeaws.Fault{Operation: "GetAuthorizationToken", Count: -1, Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) {
				var document map[string][]map[string]any
				if err := json.Unmarshal(a.Body, &document); err != nil {
					t.Error(err)
				}
				document["authorizationData"][0]["expiresAt"] = float64(begin.Add(test.lifetime).UnixMilli()) / 1000
				a.Body, _ = json.Marshal(document)
			}})
			now := begin
			tokens := w.source(func() time.Time { return now })
			for _, step := range []struct {
				after time.Duration
				asked int
			}{{0, 1}, {test.kept, 1}, {test.tooClose, 2}} {
				now = begin.Add(step.after)
				if _, err := tokens.get(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n := w.asked("GetAuthorizationToken"); n != step.asked {
					t.Errorf("after %v: asked %d times, want %d", step.after, n, step.asked)
				}
			}
		})
	}
}

func TestTokenThatIsRefusedIsDropped(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		w.put(r, "first", image(t, "one"))
		w.ExpireTokens()
		w.wantPushed(r, "second", w.put(r, "second", image(t, "two")), image(t, "two"))
		if n := w.asked("GetAuthorizationToken"); n != 2 {
			t.Errorf("%d tokens, want 2: one, and one after the first had ended", n)
		}
	})
}

// Dropping a token that was refused must not drop the one that another caller
// has got in its place.
func TestTokenDropKeepsANewerOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.source(time.Now)
	first, err := tokens.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens.drop(first)
	second, err := tokens.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens.drop(first)
	third, err := tokens.get(t.Context())
	if err != nil || third != second {
		t.Errorf("a newer token was dropped with the refused one (%v)", err)
	}
}

// A fresh token that is refused stays refused: no loop.
func TestTokenRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	w.Inject(fakeaws.Fault{Service: "ecr-registry", Count: -1, Kind: fakeaws.FaultHandler, Handler: func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusUnauthorized)
	}})
	_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
	_ = wantError(t, err, ErrCredentials, "HTTP status 401")
	// Config and layer are sent side by side, each tries with a second token.
	if n := w.asked("GetAuthorizationToken"); n < 2 || n > 3 {
		t.Errorf("%d tokens, want 2 or 3", n)
	}
}

// One that is interrupted while it asks for the token does not fail those that
// wait for it.
func TestTokenOfInterruptedCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.source(time.Now)
	hang := w.Inject(fakeaws.Fault{Operation: "GetAuthorizationToken", Kind: fakeaws.FaultHang})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := tokens.get(ctx)
		first <- err
	}()
	<-hang.Struck()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := tokens.get(t.Context()); err != nil {
				t.Errorf("one who waited: %v", err)
			}
		})
	}
	impatient, stop := context.WithCancel(t.Context())
	stop()
	if _, err := tokens.get(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("one who went away: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who was interrupted: %v", err)
	}
	wg.Wait()
	if n := w.asked("GetAuthorizationToken"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestTokenAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, says string }{
		"nothing":         {`{}`, "no authorization data"},
		"empty list":      {`{"authorizationData":[]}`, "no authorization data"},
		"not base64":      {`{"authorizationData":[{"authorizationToken":"se%cret","proxyEndpoint":"https://` + testHost + `"}]}`, "not base64 of user and password"},
		"no colon":        {`{"authorizationData":[{"authorizationToken":"c2VjcmV0","proxyEndpoint":"https://` + testHost + `"}]}`, "not base64 of user and password"},
		"no endpoint":     {`{"authorizationData":[{"authorizationToken":"QVdTOnNlY3JldA=="}]}`, "no registry endpoint"},
		"broken endpoint": {`{"authorizationData":[{"authorizationToken":"QVdTOnNlY3JldA==","proxyEndpoint":"https://%zz"}]}`, "no registry endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.Inject(fakeaws.Fault{Operation: "GetAuthorizationToken", Count: -1, Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) {
				a.Body = []byte(test.body)
			}})
			_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
			failure := wantError(t, err, ErrUnexpectedAnswer, test.says)
			if failure.Action != "ecr:GetAuthorizationToken" {
				t.Errorf("action %s", failure.Action)
			}
			for _, secret := range []string{"se%cret", "c2VjcmV0", "secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error %q holds the token", err)
				}
			}
		})
	}
}

func TestTokenDoesNotPrint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.source(time.Now)
	tok, err := tokens.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, tok); strings.Contains(text, tok.authorization) || !strings.Contains(text, testHost) {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

// ECR is asked in the region of the repository, whatever the provider's is.
func TestTokenForEachRegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.AWSConfig("eu-west-1")
	if _, err := ecr.NewFromConfig(cfg).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	r := w.open(w.client, testAccount+".dkr.ecr.eu-west-1.amazonaws.com/app")
	if result := w.put(r, "seed", image(t, "one")); !result.Pushed || r.Region() != "eu-west-1" {
		t.Errorf("pushed %v in %s", result.Pushed, r.Region())
	}
	for _, request := range w.Requests() {
		if request.AccessKey == clientKey && request.Region != "eu-west-1" {
			t.Errorf("%s went to %s", request.Operation, request.Region)
		}
	}
}
