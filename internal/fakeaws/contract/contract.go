// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
)

// Prefix begins the name of everything that a run creates.
const Prefix = "lambdaseed-contract-"

// Target is where the contract is checked.
type Target struct {
	Name      string            // for reports
	Config    aws.Config        // of the account and region; its HTTPClient is not used for the registry
	Transport http.RoundTripper // for the registry
	Real      bool              // a real account: what is not sure is reported instead of asserted
	// OtherRegion is a second region of the account for passwords; "" skips the
	// one case that needs it.
	OtherRegion string
}

// mark tells how sure a fact is.
type mark string

const (
	documented mark = "documented" // AWS's own docs or service model
	seen       mark = "seen"       // observed by users, in the issue that is named
	unsure     mark = "unsure"     // inferred, remembered, or sources disagree
)

// fact is one case of the contract.
type fact struct {
	mark   mark
	says   string // the fact; for an unsure one the question
	source string
	// assumed is what fakeaws takes an unsure fact to be, with default Behaviour.
	assumed string
	// check fails t where a sure fact does not hold, or returns what was found
	// for an unsure one.
	check func(s *session) string
}

// Finding is what a run found out about an unsure fact.
type Finding struct{ Question, Assumed, Found string }

// String is the finding as a line of the report.
func (f Finding) String() string {
	if f.Assumed == f.Found {
		return fmt.Sprintf("ASSUMED RIGHT  %s: %s", f.Question, f.Found)
	}
	return fmt.Sprintf("ASSUMED WRONG  %s: assumed %q, found %q", f.Question, f.Assumed, f.Found)
}

// report collects findings of parallel cases.
type report struct {
	mu       sync.Mutex
	findings []Finding
}

func (r *report) add(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, f)
}

// RunECR checks the ECR API and the registry and returns, once all cases are
// over, what is to be said of the unsure facts.
func RunECR(t *testing.T, target Target) []Finding {
	t.Helper()
	return run(t, target, ecrFacts())
}

// ecrFacts is the whole table, in the order of the files.
func ecrFacts() []fact {
	var all []fact
	for _, part := range [][]fact{
		tokenFacts, repositoryFacts, imageFacts, deleteFacts, putFacts,
		registryAuthFacts, registryUploadFacts, registryManifestFacts, registryImmutableFacts, registryListFacts,
	} {
		all = append(all, part...)
	}
	return all
}

func run(t *testing.T, target Target, facts []fact) []Finding {
	t.Helper()
	var r report
	t.Run("facts", func(t *testing.T) { // returns when its parallel cases are done
		for _, f := range facts {
			t.Run(f.says, func(t *testing.T) {
				t.Parallel()
				s := &session{T: t, target: target, ctx: t.Context(), ecr: ecr.NewFromConfig(target.Config)}
				found := f.check(s)
				if f.mark != unsure || t.Failed() || t.Skipped() {
					return
				}
				finding := Finding{f.says, f.assumed, found}
				r.add(finding)
				if found != f.assumed && !target.Real {
					t.Errorf("%s (%s)", finding, f.source)
				}
			})
		}
	})
	return r.findings
}

// session is one case under way.
type session struct {
	*testing.T
	target Target
	ctx    context.Context //nolint:containedctx // lives as long as the test
	ecr    *ecr.Client
}

// must ends the case where err is not nil.
func (s *session) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *session) name() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return Prefix + hex.EncodeToString(b)
}

// wantCode fails unless err is an AWS error with the code, and returns its message.
func (s *session) wantCode(err error, code string) string {
	s.Helper()
	if got := codeOf(err); got != code {
		s.Fatalf("error = %v, want %s", err, code)
	}
	apiErr, _ := errors.AsType[smithy.APIError](err)
	return apiErr.ErrorMessage()
}

// codeOf is the AWS code of an error, "" for success.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if apiErr, ok := errors.AsType[smithy.APIError](err); ok {
		return apiErr.ErrorCode()
	}
	return err.Error()
}

func (s *session) wantEqual(what string, got, want any) {
	s.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%s = %v, want %v", what, got, want)
	}
}
