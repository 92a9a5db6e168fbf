// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// names makes ECR name another registry than its own.
func (w *world) names(proxyEndpoint string) {
	w.Inject(fakeaws.Fault{Operation: "GetAuthorizationToken", Count: -1, Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) {
		own := fmt.Sprintf("%q:%q", "proxyEndpoint", "https://"+testHost)
		a.Body = bytes.ReplaceAll(a.Body, []byte(own), fmt.Appendf(nil, "%q:%q", "proxyEndpoint", proxyEndpoint))
	}})
}

// The password is for the registry that ECR names. One that is not the
// repository's gets nothing.
func TestRegistryHostThatECRDoesNotName(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string]string{
		"another company's":   "https://registry.example.com",
		"another account's":   "https://210987654321.dkr.ecr." + testRegion + ".amazonaws.com",
		"another region's":    "https://" + testAccount + ".dkr.ecr.eu-west-1.amazonaws.com",
		"another partition's": "https://" + testAccount + ".dkr.ecr." + testRegion + ".amazonaws.com.cn",
		"a longer one":        "https://" + testHost + ".example.com",
		"with a port":         "https://" + testHost + ":8443",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.names(endpoint)
			_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
			_, host, _ := strings.Cut(endpoint, "://")
			failure := wantError(t, err, ErrRegistryHost, "the repository URL is on the host "+testHost+", but ECR in region "+testRegion+" named the registry "+host)
			if failure.Action != "ecr:GetAuthorizationToken" {
				t.Errorf("action %s", failure.Action)
			}
			if sent := w.RequestsTo("ecr-registry", ""); len(sent) > 0 {
				t.Errorf("requests to a registry: %v", sent)
			}
		})
	}
}

func TestRegistryHostWithPlainHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	w.names("http://" + testHost)
	_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
	_ = wantError(t, err, ErrRegistryHost, "ECR named the registry "+testHost+" with plain HTTP, which is accepted for this machine (loopback) only")
	if sent := w.RequestsTo("ecr-registry", ""); len(sent) > 0 {
		t.Errorf("requests to a registry: %v", sent)
	}
}

// A repository URL with an emulator's host that is not the one ECR names.
func TestRegistryHostOfAnEmulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeaws.WithEmulatorHosts())
	w.repository("app")
	r := w.open(w.client, "registry.internal:5000/app")
	_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
	_ = wantError(t, err, ErrRegistryHost, "the repository URL is on the host registry.internal:5000, but ECR in region "+testRegion+" named the registry 127.0.0.1:")
}

// A repository of another account: ECR names that account's registry when asked
// for it, and the password that it gave first is good there, too.
func TestRegistryHostOfAnotherAccount(t *testing.T) {
	t.Parallel()
	const other, otherKey = "210987654321", "AKIAOTHEROTHER000001"
	w := newWorld(t, fakeaws.WithCredential(otherKey, other, "arn:aws:iam::"+other+":user/owner"))
	cfg := w.AWSConfig(testRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(otherKey, "x", "")
	owner := ecr.NewFromConfig(cfg)
	if _, err := owner.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("app"), PolicyText: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + testAccount + `"},"Action":"ecr:*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	r := w.open(w.client, other+".dkr.ecr."+testRegion+".amazonaws.com/app")
	for _, tag := range []string{"one", "two"} {
		if result := w.put(r, tag, image(t, tag)); !result.Pushed {
			t.Errorf("nothing was pushed to %s", tag)
		}
	}
	if id, err := r.RegistryID(t.Context()); id != other || err != nil {
		t.Errorf("registry %s, %v", id, err)
	}
	if n := w.asked("GetAuthorizationToken"); n != 2 {
		t.Errorf("asked for %d tokens, want 2: the own registry's and the other's", n)
	}
	for _, request := range w.RequestsTo("ecr-registry", "") {
		if request.Host != r.URL.Host {
			t.Errorf("the password went to %s", request.Host)
		}
	}
}

// With FIPS endpoints the push goes to the FIPS form of the host; what is
// handed out keeps the form that Lambda takes.
func TestRegistryHostWithFIPS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ region, url, pushed string }{
		"standard":   {"us-east-1", testAccount + ".dkr.ecr.us-east-1.amazonaws.com", testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com"},
		"dual stack": {"us-east-1", testAccount + ".dkr-ecr.us-east-1.on.aws", testAccount + ".dkr-ecr-fips.us-east-1.on.aws"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if _, err := ecr.NewFromConfig(w.AWSConfig(test.region)).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
				t.Fatal(err)
			}
			r := w.open(w.newClient(func(s *settings) { s.fips = true }), test.url+"/app")
			if result := w.put(r, "seed", image(t, "one")); !result.Pushed {
				t.Error("nothing was pushed")
			}
			for _, request := range w.Requests() {
				switch {
				case request.AccessKey != clientKey:
				case request.Service == "ecr-registry" && request.Host != test.pushed:
					t.Errorf("%s went to %s, want %s", request.Operation, request.Host, test.pushed)
				case request.Service == "ecr" && !strings.Contains(request.Host, "ecr-fips."):
					t.Errorf("%s went to %s", request.Operation, request.Host)
				}
			}
			if len(w.RequestsTo("ecr-registry", "")) == 0 {
				t.Error("no request went to the registry")
			}
			if uri := r.URL.TagURI("seed"); uri != test.url+"/app:seed" {
				t.Errorf("URI %s", uri)
			}
		})
	}
}

// Without TLS nothing leaves this machine: not to a proxy, and not to where a
// name that sounds like this machine resolves to.
func TestLoopbackTransport(t *testing.T) {
	t.Parallel()
	proxied := false
	transport := loopbackTransport(&http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		proxied = true
		return &url.URL{Scheme: "http", Host: "proxy.invalid:3128"}, nil
	}})
	t.Cleanup(transport.CloseIdleConnections)
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	client := &http.Client{Transport: transport}

	get := func(address string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	if err := get(server.URL); err != nil || proxied {
		t.Errorf("this machine: %v, asked for a proxy %v", err, proxied)
	}
	err := get("http://192.0.2.1:5000/v2/")
	if !errors.Is(err, ErrRegistryHost) || !strings.Contains(err.Error(), "loopback) only, and 192.0.2.1:5000 is not") {
		t.Errorf("another machine: %v", err)
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:4566": true, "127.9.9.9": true, "[::1]:80": true, "::1": true, "localhost": true,
		"localhost:5000": true, "000000000000.dkr.ecr.us-east-1.localhost:5000": true,
		"": false, "128.0.0.1": false, "10.0.0.1": false, "localhost.example.com": false, "notlocalhost": false,
		"127.0.0.1.example.com": false, "0.0.0.0": false, "169.254.169.254": false, "[::ffff:10.0.0.1]:80": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
