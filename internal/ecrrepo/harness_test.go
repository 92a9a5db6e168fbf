// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

const (
	testRegion  = "ap-northeast-1"
	testAccount = "123456789012"
	testHost    = testAccount + ".dkr.ecr." + testRegion + ".amazonaws.com"
	// clientKey is the access key of the code under test.
	clientKey = "AKIALAMBDASEED000001"
)

// world is a server that stands in for AWS, and a client under test.
type world struct {
	*fakeaws.Server

	t      *testing.T
	client *Client
	// host is the registry's, as the server names it.
	host string
}

// settings are the Configuration of the client under test.
type settings struct {
	srv       *fakeaws.Server
	fips      bool
	endpoint  string
	accountID string
	failure   error
	maxTries  int
}

// Config implements Configuration.
func (s *settings) Config(_ context.Context, region string) (aws.Config, error) {
	if s.failure != nil {
		return aws.Config{}, s.failure
	}
	if region == "" {
		region = testRegion
	}
	cfg := s.srv.AWSConfig(region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(clientKey, "client-secret", "")
	cfg.RetryMaxAttempts = s.maxTries
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = s.maxTries, time.Millisecond
		})
	}
	if s.fips {
		cfg.ConfigSources = append(cfg.ConfigSources, config.LoadOptions{UseFIPSEndpoint: aws.FIPSEndpointStateEnabled})
	}
	return cfg, nil
}

// Endpoint implements Configuration.
func (s *settings) Endpoint(string) string { return s.endpoint }

// AccountID implements Configuration.
func (s *settings) AccountID(context.Context) (string, error) { return s.accountID, s.failure }

// hosts are the two forms in which a registry's host comes: ECR's own, and an
// emulator's, to which manifests are sent in another way.
var hosts = map[string][]fakeaws.Option{
	"real hosts":    nil,
	"emulator host": {fakeaws.WithEmulatorHosts()},
}

// onHosts runs a test with both.
func onHosts(t *testing.T, test func(t *testing.T, w *world), opts ...fakeaws.Option) {
	t.Helper()
	t.Parallel()
	for name, more := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, append(more, opts...)...))
		})
	}
}

func newWorld(t *testing.T, opts ...fakeaws.Option) *world {
	t.Helper()
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	t.Cleanup(func() {
		if hosts := srv.RefusedHosts(); len(hosts) > 0 {
			t.Errorf("hosts beyond AWS were asked: %v", hosts)
		}
	})
	w := &world{Server: srv, t: t}
	out, err := w.ecr().GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, w.host, _ = strings.Cut(aws.ToString(out.AuthorizationData[0].ProxyEndpoint), "://")
	w.client = w.newClient(func(*settings) {})
	return w
}

// newClient returns a client that waits milliseconds where others wait seconds.
func (w *world) newClient(change func(*settings), opts ...Option) *Client {
	s := &settings{srv: w.Server, accountID: testAccount, maxTries: 3}
	if w.emulated() {
		s.endpoint = w.URL()
	}
	change(s)
	return NewClient(s, append([]Option{WithTiming(50*time.Millisecond, 2*time.Millisecond)}, opts...)...)
}

func (w *world) emulated() bool { return strings.HasPrefix(w.host, "127.") }

// ecr is the view of somebody else.
func (w *world) ecr() *ecr.Client { return ecr.NewFromConfig(w.AWSConfig(testRegion)) }

// repository creates a repository and opens it with the client under test.
func (w *world) repository(name string, mutability ...types.ImageTagMutability) *Repository {
	w.t.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: &name}
	if len(mutability) > 0 {
		in.ImageTagMutability = mutability[0]
	}
	if _, err := w.ecr().CreateRepository(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
	r := w.open(w.client, w.host+"/"+name)
	w.ResetRequests()
	return r
}

func (w *world) open(c *Client, repositoryURL string) *Repository {
	w.t.Helper()
	u, err := ParseRepositoryURL(repositoryURL)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := c.Open(w.t.Context(), u)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// push is what another writer does.
func (w *world) push(r *Repository, tag string, img v1.Image) string {
	w.t.Helper()
	ref, err := name.NewTag(r.URL.TagURI(tag))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(ref, img, w.RemoteOptions(w.t.Context())...); err != nil {
		w.t.Fatal(err)
	}
	return digestOf(w.t, img)
}

// at is the digest that a tag holds, "" for none.
func (w *world) at(r *Repository, tag string) string {
	image, _ := w.ImageAt(testRegion, r.URL.Name, tag)
	return image.Digest
}

// asked counts the requests of the code under test.
func (w *world) asked(operation string) int {
	n := 0
	for _, r := range w.Requests() {
		if r.AccessKey == clientKey && r.Operation == operation {
			n++
		}
	}
	return n
}

// image makes a small OCI image whose digest depends on the text.
func image(t *testing.T, text string) v1.Image {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, ggcr.OCIManifestSchema1), ggcr.OCIConfigJSON)
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	if err := files.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	}, tarball.WithMediaType(ggcr.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		t.Fatal(err)
	}
	return img
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// put is PutIfAbsent where it must succeed.
func (w *world) put(r *Repository, tag string, img v1.Image) PutResult {
	w.t.Helper()
	result, err := r.PutIfAbsent(w.t.Context(), tag, img)
	if err != nil {
		w.t.Fatalf("putting %s: %v", r.URL.TagURI(tag), err)
	}
	return result
}

// wantPushed checks that a put has pushed, and that the image arrived.
func (w *world) wantPushed(r *Repository, tag string, result PutResult, img v1.Image) {
	w.t.Helper()
	digest := digestOf(w.t, img)
	if !result.Pushed || result.Image.Digest != digest {
		w.t.Errorf("put: %v %s, want true %s", result.Pushed, result.Image.Digest, digest)
	}
	if got := w.at(r, tag); got != digest {
		w.t.Errorf("the tag holds %q, want %s", got, digest)
	}
}

// wantLeft checks that a put has left another image alone and says which.
func (w *world) wantLeft(r *Repository, tag string, result PutResult, digest string) {
	w.t.Helper()
	if result.Pushed || result.Image.Digest != digest {
		w.t.Errorf("put: %v %s, want false %s", result.Pushed, result.Image.Digest, digest)
	}
	if got := w.at(r, tag); got != digest {
		w.t.Errorf("the tag holds %q, want %s", got, digest)
	}
}

// wantError checks an error's reason (nil: any), and that its text holds all of some.
func wantError(t *testing.T, err, reason error, texts ...string) *Error {
	t.Helper()
	if err == nil || reason != nil && !errors.Is(err, reason) {
		t.Fatalf("error %v, want one because %v", err, reason)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
	typed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error %v is not an *Error", err)
	}
	return typed
}
