// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// hangs tells the faults that end with Ctrl-C alone.
func hangs(kind fakeaws.FaultKind) bool {
	return kind == fakeaws.FaultHang || kind == fakeaws.FaultHangAfter
}

// strike plays the scenario with one fault, at count requests from a place on,
// and returns what came of it.
func (c scenario) strike(t *testing.T, w *world, p place, kind fakeaws.FaultKind, count int) string {
	t.Helper()
	s := c.stage(t, w)
	before := s.state
	if kind == fakeaws.FaultExpireKeys {
		s.startSession()
	}
	f := p.fault(s, kind)
	f.Count = count
	fault := w.Inject(f)
	done := make(chan struct{})
	if hangs(kind) {
		go func() {
			select {
			case <-fault.Struck():
				s.interrupt()
			case <-done:
			}
		}()
	}
	err := c.command(s)
	close(done)
	fault.Remove()
	if len(fault.Hits()) == 0 {
		t.Fatal("the fault did not strike")
	}
	if kind == fakeaws.FaultExpireKeys {
		s.startSession()
	}
	outcome := "succeeded"
	switch {
	case err != nil:
		outcome = "failed"
		s.wantClear(err, p, kind)
		if before != nil && s.state == nil && !c.replaces {
			t.Error("the resource has left the state with an error")
		}
		s.wantForeign()
		must(t, c.command(s))
	case count == always && !c.outlives(p, kind):
		t.Error("the command has succeeded")
	}
	c.settled(s, true)
	s.wantSecrecy(err)
	return outcome
}

// startSession gives the stage's provider temporary credentials.
func (s *stage) startSession() {
	s.t.Helper()
	out, err := sts.NewFromConfig(s.w.AWSConfig(testRegion)).AssumeRole(s.t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + testAccount + ":role/seeder"), RoleSessionName: aws.String("matrix"),
	})
	must(s.t, err)
	s.key = *out.Credentials.AccessKeyId
	s.provider = block{"access_key": s.key, "secret_key": *out.Credentials.SecretAccessKey, "token": *out.Credentials.SessionToken}
}

// outlives tells the faults that a command may get over although they never
// end.
func (c scenario) outlives(p place, kind fakeaws.FaultKind) bool {
	switch p.operation {
	case "DescribeRepositories":
		return true // Asked to tell early, or besides.
	case "PutImage", "BatchDeleteImage", "CompleteLayerUpload":
		if kind == fakeaws.FaultDropAfter || kind == fakeaws.FaultTruncate {
			return true // Done, and the next look finds it so.
		}
	case "BatchCheckLayerAvailability":
		if kind == fakeaws.FaultNotJSON {
			return true // Its 200 is a yes to a HEAD, and PutImage knows better.
		}
	}
	upload := p.operation == "InitiateLayerUpload" || p.operation == "CompleteLayerUpload"
	// The second try looks for the layers first. Of passwords, there is always
	// another.
	return c.hasLayers && upload || kind == fakeaws.FaultExpireToken
}

// faultTexts are what an error must say after a fault at ECR, and after one at
// STS.
var faultTexts = map[fakeaws.FaultKind]struct{ ecr, sts string }{
	fakeaws.FaultInternalError: {"(HTTP status 500", "STS does not answer now"},
	fakeaws.FaultUnavailable:   {"(HTTP status 503", "STS does not answer now"},
	fakeaws.FaultThrottle:      {"ECR request quota used up", "STS does not answer now"},
	fakeaws.FaultDropBefore:    {"no answer from ECR", "AWS cannot be reached"},
	fakeaws.FaultDropAfter:     {"no answer from ECR", "AWS cannot be reached"},
	fakeaws.FaultTruncate:      {"no answer from ECR", "AWS cannot be reached"},
	fakeaws.FaultHTML:          {"unexpected answer", "Unexpected answer in place of STS"},
	fakeaws.FaultNotJSON:       {"unexpected answer", "Unexpected answer in place of STS"},
	fakeaws.FaultHang:          {"interrupted", "interrupted"},
	fakeaws.FaultHangAfter:     {"interrupted", "interrupted"},
	fakeaws.FaultExpireToken:   {"AWS credentials not accepted", ""},
	fakeaws.FaultExpireKeys:    {"AWS credentials not accepted", "AWS credentials expired"},
	fakeaws.FaultDenied:        {"access to ECR denied", "Cannot validate the AWS credentials"},
}

// wantClear checks that an error says what failed, why, and what to do.
func (s *stage) wantClear(err error, p place, kind fakeaws.FaultKind) {
	s.t.Helper()
	if errors.Is(err, errBroken) {
		s.t.Error(err)
	}
	failure, ok := errors.AsType[*diagnosticsError](err)
	if !ok {
		s.t.Errorf("no diagnostic but %v", err)
		return
	}
	for _, d := range failure.errors {
		if d.Summary == "" || len(d.Detail) < 40 {
			s.t.Errorf("%q: %q says too little", d.Summary, d.Detail)
		}
	}
	text := err.Error()
	if strings.Contains(text, "not found") && kind != fakeaws.FaultHTML {
		s.t.Errorf("a fault is taken for absence: %s", text)
	}
	wants := []string{faultTexts[kind].ecr, "Action: ecr:" + p.operation, "Repository: " + testHost + "/" + s.repository}
	switch {
	case p.service == "sts":
		wants = []string{faultTexts[kind].sts}
	case p.service == "ecr-registry" && kind == fakeaws.FaultExpireToken:
		// Of the requests under way any may be the one that fails, and the answer
		// to a HEAD has no words.
		wants = []string{"Action: ecr:", wants[2]}
	case p.operation == "CompleteLayerUpload", p.service == "ecr-registry" && hangs(kind), kind == fakeaws.FaultExpireKeys:
		// The end of an upload stands for two actions, of two uploads that are
		// interrupted either may be named, and expired keys are noticed by who
		// needs them next.
		wants[1] = "Action: ecr:"
	}
	for _, want := range wants {
		if want == "" || !strings.Contains(text, want) {
			s.t.Errorf("the error after %q does not say %q:\n%s", kind, want, text)
		}
	}
}
