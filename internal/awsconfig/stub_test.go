// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// stub stands in for STS, ECR and the instance metadata service on one port.
// It checks nothing: it answers, and remembers who asked for what. What the
// real services refuse is fakeaws's business.
type stub struct {
	*httptest.Server

	mu    sync.Mutex
	calls []call
	// refuse maps an operation to the error code of its answer.
	refuse map[string]string
	// arrived, if set, receives a value for every request before hold, if
	// set, is waited for.
	arrived, hold chan struct{}
}

type call struct {
	Operation string
	AccessKey string
	Region    string
	Form      url.Values
	UserAgent string
}

var credential = regexp.MustCompile(`Credential=([^/]+)/[0-9]+/([^/]+)/`)

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{refuse: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	c := call{Operation: form.Get("Action"), Form: form, UserAgent: r.UserAgent()}
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		c.AccessKey, c.Region = m[1], m[2]
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, c.Operation, _ = strings.Cut(target, ".")
	}
	if strings.HasPrefix(r.URL.Path, "/latest/") {
		c.Operation = "metadata"
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	code, arrived, hold := s.refuse[c.Operation], s.arrived, s.hold
	s.mu.Unlock()
	if arrived != nil {
		arrived <- struct{}{}
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}

	if code != "" {
		w.WriteHeader(http.StatusForbidden)
		if r.Header.Get("X-Amz-Target") != "" {
			w.Header().Set("X-Amzn-Requestid", "req-refused")
			fmt.Fprintf(w, `{"__type":%q,"message":"no, in AWS's words"}`, code)
			return
		}
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no, in AWS's words</Message></Error><RequestId>req-refused</RequestId></ErrorResponse>`, code)
		return
	}
	switch c.Operation {
	case "GetCallerIdentity":
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/somebody</Arn>`+
			`<UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		role := form.Get("RoleArn")
		fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>ASIA-%[2]s</AccessKeyId><SecretAccessKey>%[3]s</SecretAccessKey>`+
			`<SessionToken>%[4]s</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`+
			`<AssumedRoleUser><Arn>%[2]s</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser></%[1]sResult></%[1]sResponse>`,
			c.Operation, role[strings.LastIndex(role, "/")+1:], stsSecret, stsToken)
	case "GetAuthorizationToken":
		fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":%q,"proxyEndpoint":"http://127.0.0.1:1","expiresAt":4070908800}]}`, ecrToken)
	case "BatchGetImage":
		fmt.Fprint(w, `{"images":[],"failures":[]}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Secrets that AWS hands out.
const (
	stsSecret = "secretOfAnAssumedRole"
	stsToken  = "session-token-of-an-assumed-role"
	ecrToken  = "QVdTOnBhc3N3b3JkLW9mLXRoZS1yZWdpc3RyeS13aGljaC1pcy1hcy1sb25nLWFzLWl0LWxpa2Vz" // AWS:password-of-the-registry-which-is-as-long-as-it-likes
)

// operations lists what was asked for, in order.
func (s *stub) operations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, c := range s.calls {
		names = append(names, c.Operation)
	}
	return names
}

// call returns the first call of an operation.
func (s *stub) call(t *testing.T, operation string) call {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.calls, func(c call) bool { return c.Operation == operation })
	if i < 0 {
		t.Fatalf("no call of %s", operation)
	}
	return s.calls[i]
}

// answer makes an operation fail with a code, or succeed with "".
func (s *stub) answer(operation, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[operation] = code
}

// refusingTransport is an HTTP client that reaches nobody and remembers whom it
// was to reach.
type refusingTransport struct{ hosts []string }

func (c *refusingTransport) Do(r *http.Request) (*http.Response, error) {
	c.hosts = append(c.hosts, r.URL.Host)
	return nil, http.ErrServerClosed
}
