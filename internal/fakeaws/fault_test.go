// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// TestFaultsInTheAPI makes one CreateRepository suffer each fault, and tells
// from the repositories afterwards whether the server did the work.
func TestFaultsInTheAPI(t *testing.T) {
	t.Parallel()
	tests := map[FaultKind]struct {
		want string // part of the error; "" for success
		done bool
	}{
		FaultInternalError: {"StatusCode: 500", false},
		FaultUnavailable:   {"StatusCode: 503", false},
		FaultThrottle:      {"ThrottlingException: Rate exceeded", false},
		FaultDropBefore:    {"EOF", false},
		FaultDropAfter:     {"EOF", true},
		FaultTruncate:      {"unexpected EOF", true},
		FaultHTML:          {"StatusCode: 502", false},
		FaultNotJSON:       {"deserialization failed", false},
		FaultExpireToken:   {"", true},
		FaultExpireKeys:    {"", true},
		FaultDenied:        {"not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:ap-northeast-1:123456789012:repository/app", false},
	}
	for _, kind := range FaultKinds() {
		test, ok := tests[kind]
		if !ok { // the two that hang are tested below
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			injected := srv.Inject(Fault{Service: "ecr", Operation: "CreateRepository", Kind: kind})
			_, err := clientAs(srv, PipelineAccessKey).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("error = %v, want none", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
			if done := len(srv.Repositories(DefaultRegion)) == 1; done != test.done {
				t.Errorf("repository exists: %v, want %v", done, test.done)
			}
			if hits := injected.Hits(); len(hits) != 1 || srv.Requests()[0].Fault != string(kind) {
				t.Errorf("hits = %v, recorded fault = %q, want one, %q", hits, srv.Requests()[0].Fault, kind)
			}
		})
	}
}

func TestFaultsThatHangUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	for kind, done := range map[FaultKind]bool{FaultHang: false, FaultHangAfter: true} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			injected := srv.Inject(Fault{Operation: "CreateRepository", Kind: kind})
			finished := make(chan error, 1)
			go func() {
				_, err := clientAs(srv, PipelineAccessKey).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")})
				finished <- err
			}()
			<-injected.Struck()
			cancel()
			if err := <-finished; !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want context canceled", err)
			}
			if got := len(srv.Repositories(DefaultRegion)) == 1; got != done {
				t.Errorf("repository exists: %v, want %v", got, done)
			}
		})
	}
}

// TestFaultsStrikeEveryRequestOfAPush goes through the requests of a push one
// by one: the recorded sequence is the matrix.
func TestFaultsStrikeEveryRequestOfAPush(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	options := srv.RemoteOptions(t.Context())
	srv.ResetRequests()
	if _, err := push(t.Context(), t, uri+":clean", options...); err != nil {
		t.Fatal(err)
	}
	requests := srv.Requests()
	if len(requests) < 8 {
		t.Fatalf("a push made %d requests, want at least 8", len(requests))
	}
	for _, r := range requests {
		srv.ClearFaults()
		srv.ResetRequests()
		injected := srv.Inject(Fault{Seq: r.Seq, Kind: FaultInternalError})
		_, err := push(t.Context(), t, uri+":struck", options...)
		if len(injected.Hits()) != 1 {
			t.Errorf("request %d (%s): struck %d times, want 1", r.Seq, r.Operation, len(injected.Hits()))
		}
		// HEAD manifest is only an optimisation to the client.
		if err == nil && r.Operation != "BatchGetImage" {
			t.Errorf("request %d (%s %s): the push succeeded despite a 500", r.Seq, r.Method, r.Operation)
		}
	}
}

func TestFaultCountsMatchingRequestsOnly(t *testing.T) {
	t.Parallel()
	srv := start(t)
	client := clientAs(srv, PipelineAccessKey)
	srv.Inject(Fault{
		Operation: "DescribeRepositories", Nth: 2, Count: 2, Kind: FaultThrottle,
		Match: func(r Request) bool { return r.AccessKey == PipelineAccessKey },
	})
	var got []bool
	for range 4 {
		_, err := clientAs(srv, "AKIASOMEBODYELSE").DescribeRepositories(t.Context(), nil)
		if err != nil {
			t.Errorf("another client was struck: %v", err)
		}
		_, err = client.DescribeRepositories(t.Context(), nil)
		got = append(got, err != nil)
	}
	if want := []bool{false, true, true, false}; !equal(got, want) {
		t.Errorf("struck = %v, want %v", got, want)
	}
}

func equal(a, b []bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestHookRunsBetweenRequests(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	ctx := t.Context()
	// The pipeline takes the tag just before our manifest arrives.
	srv.Inject(Fault{
		Service: "ecr-registry", Operation: "PutImage", Kind: FaultHook,
		Before: func(Request) {
			if _, err := push(ctx, t, uri+":v1", srv.RemoteOptions(ctx)...); err != nil {
				t.Error(err)
			}
		},
	})
	img, err := push(ctx, t, uri+":v1", srv.RemoteOptions(ctx)...)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	images := srv.Images(DefaultRegion, "app")
	if at, _ := srv.ImageAt(DefaultRegion, "app", "v1"); len(images) != 2 || at.Digest != digest.String() {
		t.Errorf("%d images, v1 is %s, want 2 and ours, %s, on top", len(images), at.Digest, digest)
	}
}

func TestHostileAnswersReachTheClient(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault Fault
		check func(*testing.T, *http.Response)
	}{
		"redirect": {Fault{Kind: FaultHandler, Handler: HostileRedirect(307, "https://evil.example/")}, func(t *testing.T, r *http.Response) {
			if r.StatusCode != http.StatusTemporaryRedirect || r.Header.Get("Location") != "https://evil.example/" {
				t.Errorf("got %d to %q", r.StatusCode, r.Header.Get("Location"))
			}
		}},
		"headers": {Fault{Kind: FaultHandler, Handler: HostileHeaders(100, 1000)}, func(t *testing.T, r *http.Response) {
			if len(r.Header.Get("X-Absurd-99")) != 1000 {
				t.Error("the hundredth header is not there")
			}
		}},
		"huge manifest": {Fault{Kind: FaultHandler, Handler: HostileManifest(100 << 20)}, func(t *testing.T, r *http.Response) {
			if n, err := io.Copy(io.Discard, r.Body); err != nil || n != 100<<20 {
				t.Errorf("read %d bytes, %v, want %d", n, err, 100<<20)
			}
		}},
		"endless": {Fault{Kind: FaultHandler, Handler: HostileEndless("application/json")}, func(t *testing.T, r *http.Response) {
			if n, err := io.CopyN(io.Discard, r.Body, 10<<20); err != nil {
				t.Errorf("ended after %d bytes: %v", n, err)
			}
		}},
		"error text": {Fault{Kind: FaultHandler, Handler: HostileError(400, "TAG_INVALID", "x\x1b[31m")}, func(t *testing.T, r *http.Response) {
			err := transport.CheckError(r, 200)
			if err == nil || !strings.Contains(err.Error(), "TAG_INVALID") {
				t.Errorf("error = %v, want TAG_INVALID", err)
			}
		}},
		"rewritten": {Fault{Kind: FaultRewrite, Rewrite: func(a *Answer) { WrongDigest(a); WrongBlob(a) }}, func(t *testing.T, r *http.Response) {
			if !strings.HasSuffix(r.Header.Get("Docker-Content-Digest"), strings.Repeat("0", 64)) {
				t.Error("the digest was not rewritten")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			uri := createRepository(t, srv, "app")
			if _, err := push(t.Context(), t, uri+":v1", srv.RemoteOptions(t.Context())...); err != nil {
				t.Fatal(err)
			}
			srv.Inject(test.fault)
			request := get(t, "https://"+strings.Replace(uri, "/", "/v2/", 1)+"/manifests/v1")
			request.SetBasicAuth("AWS", srv.Password(PipelineAccessKey, DefaultRegion))
			response, err := srv.Transport().RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			test.check(t, response)
		})
	}
}
