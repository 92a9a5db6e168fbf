// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Transport reaches AWS host names through the server acting as a proxy,
// trusting its CA, and loopback directly. Close its idle connections when done.
func (s *Server) Transport() *http.Transport {
	proxy, err := url.Parse(s.URL())
	if err != nil {
		panic(err) // a listener's address always parses
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca.pem)
	return &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.Host == s.address {
				return nil, nil // as http.ProxyFromEnvironment does for loopback
			}
			return proxy, nil
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 64,
	}
}

// AWSConfig is the configuration of an SDK client that talks to the server
// under AWS's real host names: the view of a pipeline or a test. It signs with
// [PipelineAccessKey]; change Credentials in the copy for another caller. It
// does not retry, so that a test sees every answer.
func (s *Server) AWSConfig(region string) aws.Config {
	return aws.Config{
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider(PipelineAccessKey, "pipeline-secret", ""),
		HTTPClient:       &http.Client{Transport: s.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		RetryMaxAttempts: 1,
	}
}

// RemoteOptions are those of a go-containerregistry client that reaches the
// registry, under its real host name or on loopback, with a password issued to
// [PipelineAccessKey] for the server's default region. It sends no more requests
// than a push needs and does not retry.
func (s *Server) RemoteOptions(ctx context.Context) []remote.Option {
	return s.RemoteOptionsFor(ctx, PipelineAccessKey, s.region)
}

// RemoteOptionsFor is RemoteOptions for another caller and region; in emulator
// mode it is the password that tells the registry both.
func (s *Server) RemoteOptionsFor(ctx context.Context, accessKey, region string) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(s.Transport()),
		remote.WithAuth(&authn.Basic{Username: tokenUser, Password: s.Password(accessKey, region)}),
		remote.WithUserAgent("pipeline"),
		remote.WithRetryStatusCodes(),
		remote.WithRetryPredicate(func(error) bool { return false }),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
	}
}
