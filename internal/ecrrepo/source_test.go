// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// sourceError is what reading an image from elsewhere fails with.
type sourceError struct {
	temporary bool
	cause     error
}

func (e *sourceError) Error() string   { return "the source broke" }
func (e *sourceError) Unwrap() error   { return e.cause }
func (e *sourceError) Temporary() bool { return e.temporary }

// brokenLayer is a layer whose reading fails half-way, so many times.
type brokenLayer struct {
	v1.Layer

	failure error
	left    *atomic.Int32
	opened  *atomic.Int32
}

func (l brokenLayer) Compressed() (io.ReadCloser, error) {
	content, err := l.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return &brokenContent{ReadCloser: content, layer: l}, nil
}

type brokenContent struct {
	io.ReadCloser

	layer brokenLayer
	begun bool
}

func (c *brokenContent) Read(p []byte) (int, error) {
	if !c.begun {
		c.begun = true
		c.layer.opened.Add(1)
		return c.ReadCloser.Read(p[:min(len(p), 10)])
	}
	if c.layer.left.Add(-1) >= 0 {
		return 0, c.layer.failure
	}
	return c.ReadCloser.Read(p)
}

func withLayers(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, ggcr.OCIManifestSchema1), ggcr.OCIConfigJSON), layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// What reading an image fails with comes back as it is: it is not a failure of
// ECR, even where it wraps what a closed connection or the end of a file is. It
// is tried again where it may be, for that layer alone.
func TestPutOfWhatCannotBeRead(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		for title, test := range map[string]struct {
			failure *sourceError
			times   int32
			opened  int32
			fails   bool
		}{
			"for good":               {&sourceError{false, nil}, 1, 1, true},
			"for good, with an end":  {&sourceError{false, io.EOF}, 1, 1, true},
			"once":                   {&sourceError{true, io.ErrUnexpectedEOF}, 1, 2, false},
			"twice, with an end":     {&sourceError{true, io.EOF}, 2, 3, false},
			"more often than we try": {&sourceError{true, nil}, 100, 3, true},
		} {
			t.Run(title, func(t *testing.T) {
				r := w.repository("app-" + strings.NewReplacer(" ", "-", ",", "").Replace(title))
				var left, opened, whole atomic.Int32
				left.Store(test.times)
				broken := brokenLayer{static.NewLayer([]byte(strings.Repeat("one", 100)), ggcr.OCILayer), test.failure, &left, &opened}
				sound := brokenLayer{static.NewLayer([]byte("two"), ggcr.OCILayer), nil, new(atomic.Int32), &whole}
				result, err := r.PutIfAbsent(t.Context(), "seed", withLayers(t, broken, sound))
				if opened.Load() != test.opened || whole.Load() > 1 {
					t.Errorf("the layers were read %d and %d times, want %d and at most 1", opened.Load(), whole.Load(), test.opened)
				}
				if !test.fails {
					if err != nil || !result.Pushed {
						t.Errorf("%v, %v", result.Pushed, err)
					}
					return
				}
				if _, ofECR := errors.AsType[*Error](err); ofECR || !errors.Is(err, test.failure) {
					t.Errorf("got %v, want the source's error", err)
				}
				if got := w.at(r, "seed"); got != "" {
					t.Errorf("the tag holds %s", got)
				}
			})
		}
	})
}

// An interruption is one, whatever the reading failed with meanwhile.
func TestPutOfWhatIsReadInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	ctx, cancel := context.WithCancel(t.Context())
	reading := readerLayer{static.NewLayer([]byte("one"), ggcr.OCILayer), func([]byte) (int, error) {
		cancel()
		return 0, &sourceError{true, nil}
	}}
	if _, err := r.PutIfAbsent(ctx, "seed", withLayers(t, reading)); !errors.Is(err, ErrCanceled) {
		t.Errorf("got %v", err)
	}
}

type readerLayer struct {
	v1.Layer

	read func([]byte) (int, error)
}

func (l readerLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(readerFunc(l.read)), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A layer that an image has twice is sent once.
func TestPutOfRepeatedLayers(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		layer := static.NewLayer([]byte("one"), ggcr.OCILayer)
		w.put(r, "seed", withLayers(t, layer, layer, layer))
		if n := w.asked("CompleteLayerUpload"); n != 2 {
			t.Errorf("%d blobs were sent, want the layer and the config", n)
		}
	})
}

// countedLayer tells when its content begins to be read, and when that ends.
type countedLayer struct {
	v1.Layer

	begin, end func()
}

func (l countedLayer) Compressed() (io.ReadCloser, error) {
	content, err := l.Layer.Compressed()
	begin := sync.OnceFunc(l.begin)
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		begin()
		n, err := content.Read(p)
		if errors.Is(err, io.EOF) {
			l.end()
		}
		return n, err
	})), err
}

// Four blobs are under way at once where there are as many, and never more.
func TestPutOfLayersSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	var mu sync.Mutex
	underWay, most := 0, 0
	count := func(change int) int {
		mu.Lock()
		defer mu.Unlock()
		underWay += change
		most = max(most, underWay)
		return underWay
	}
	// Nobody goes on before four are under way, and a fifth one, were it let on
	// its way, has had the time to come.
	four := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(four) })
	layers := make([]v1.Layer, 0, 12)
	for n := range cap(layers) {
		layers = append(layers, countedLayer{
			Layer: static.NewLayer(fmt.Appendf(nil, "layer %d", n), ggcr.OCILayer),
			begin: func() {
				if count(1) >= 4 {
					time.AfterFunc(50*time.Millisecond, goOn)
				}
				select {
				case <-four:
				case <-time.After(5 * time.Second):
					goOn()
				}
			},
			end: func() { count(-1) },
		})
	}
	img := withLayers(t, layers...)
	w.wantPushed(r, "seed", w.put(r, "seed", img), img)
	if most != 4 {
		t.Errorf("%d layers were read at once, want 4", most)
	}
}

// An image is pushed without a file on disk.
func TestPutWithoutTemporaryFolder(t *testing.T) {
	w := newWorld(t)
	r := w.repository("app")
	img := withLayers(t, static.NewLayer(bytes.Repeat([]byte("large"), 1<<20), ggcr.OCILayer))
	missing := filepath.Join(t.TempDir(), "missing")
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, missing)
	}
	w.wantPushed(r, "seed", w.put(r, "seed", img), img)
}

// With a look, what the repository has is not sent: neither blobs nor, where it
// has the whole image, anything but the tag.
func TestPutWithLook(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		shared := static.NewLayer([]byte("shared"), ggcr.OCILayer)
		theirs := withLayers(t, shared, static.NewLayer([]byte("theirs"), ggcr.OCILayer))
		w.push(r, "v1", theirs)
		w.ResetRequests()

		ours := withLayers(t, shared, static.NewLayer([]byte("ours"), ggcr.OCILayer))
		result, err := r.PutIfAbsent(t.Context(), "seed", ours, WithLook())
		if err != nil || !result.Pushed || result.Existed {
			t.Fatalf("%+v, %v", result, err)
		}
		if n := w.asked("CompleteLayerUpload"); n != 2 {
			t.Errorf("%d blobs were sent, want one layer and the config", n)
		}

		w.ResetRequests()
		result, err = r.PutIfAbsent(t.Context(), "again", theirs, WithLook())
		if err != nil || !result.Pushed || !result.Existed {
			t.Fatalf("%+v, %v", result, err)
		}
		if n := w.asked("InitiateLayerUpload") + w.asked("BatchCheckLayerAvailability"); n != 0 {
			t.Errorf("%d requests for blobs of an image that is there", n)
		}
		result, err = r.Replace(t.Context(), "seed", digestOf(t, ours), theirs, WithLook())
		if err != nil || !result.Pushed || !result.Existed {
			t.Errorf("replacing: %+v, %v", result, err)
		}
	})
}

// The same image in place of itself is not sent, not even to a tag that takes
// none.
func TestReplaceByTheSame(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		img := image(t, "ours")
		w.put(r, "seed", img)
		w.ResetRequests()
		result, err := r.Replace(t.Context(), "seed", digestOf(t, img), img)
		if err != nil || !result.Pushed || w.asked("PutImage") != 0 {
			t.Errorf("%+v, %v, %d manifests sent", result, err, w.asked("PutImage"))
		}
	})
}

func TestUntag(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		img := image(t, "theirs")
		digest := w.push(r, "v1", img)
		w.push(r, "seed", img)
		if found, err := r.Untag(t.Context(), "seed", digest); found != nil || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		w.wantGone(r, "seed")
		w.wantThere(r, "v1")
		// The last tag stays, or the image would go with it.
		if found, err := r.Untag(t.Context(), "v1", digest); found == nil || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		w.wantThere(r, "v1")
		// And so does another image.
		w.push(r, "v1", image(t, "next"))
		if found, err := r.Untag(t.Context(), "v1", digest); found == nil || found.Digest == digest || err != nil {
			t.Errorf("%v, %v", found, err)
		}
		if found, err := r.Untag(t.Context(), "nothing", digest); found != nil || err != nil {
			t.Errorf("a tag that is gone: %v, %v", found, err)
		}
	})
}

// A layer of the same registry is mounted, in whichever form its host was
// written; one of another is sent without a question.
func TestMount(t *testing.T) {
	t.Parallel()
	for host, mounts := range map[string]int{
		testHost: 1,
		"123456789012.dkr.ecr-fips." + testRegion + ".amazonaws.com": 1,
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com":               0,
		"210987654321.dkr.ecr." + testRegion + ".amazonaws.com":      0,
		"ghcr.io": 0,
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{Mounting: true}))
			source := w.repository("source")
			layer := static.NewLayer([]byte("one"), ggcr.OCILayer)
			w.push(source, "v1", withLayers(t, layer))
			r := w.repository("app")
			from, err := name.NewTag(host + "/source:v1")
			if err != nil {
				t.Fatal(err)
			}
			w.put(r, "seed", withLayers(t, &remote.MountableLayer{Layer: layer, Reference: from}))
			asked := 0
			for _, request := range w.Requests() {
				if request.AccessKey == clientKey && strings.Contains(request.Query, "mount=") {
					asked++
				}
			}
			// The config is sent in any case, and the layer if it was not mounted.
			if sent := w.asked("CompleteLayerUpload"); asked != mounts || sent != 2-mounts {
				t.Errorf("%d mounts were asked for and %d blobs sent, want %d and %d", asked, sent, mounts, 2-mounts)
			}
		})
	}
}

// What another registry is asked for is tried again by the same rules.
func TestRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.open(w.client, testHost+"/app")
	for _, test := range []struct {
		err   error
		tries int
	}{
		{&sourceError{true, nil}, 3},
		{&sourceError{false, nil}, 1},
		{fmt.Errorf("wrapped: %w", &sourceError{true, nil}), 3},
		{io.ErrUnexpectedEOF, 1},
		{nil, 1},
	} {
		tries := 0
		err := r.Retry(t.Context(), func() error {
			tries++
			return test.err
		})
		if !errors.Is(err, test.err) || err != nil && err.Error() != test.err.Error() || tries != test.tries {
			t.Errorf("%v: got %v after %d tries, want %d", test.err, err, tries, test.tries)
		}
	}
}

// A reader reads from a repository with its token, and says in the words of ECR
// what it cannot read, and what of it may be read the next time.
func TestReader(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		w.push(r, "v1", image(t, "theirs"))
		read := func(tag string) error { return readImage(t, r, r.URL.TagURI(tag)) }
		if err := read("v1"); err != nil {
			t.Fatal(err)
		}
		if err := read("nothing"); !errors.Is(err, ErrImageNotFound) {
			t.Errorf("got %v for a tag that is not there", err)
		}
		for kind, want := range map[fakeaws.FaultKind]struct {
			reason    error
			temporary bool
		}{
			fakeaws.FaultDenied:      {ErrDenied, false},
			fakeaws.FaultThrottle:    {ErrThrottled, true},
			fakeaws.FaultUnavailable: {nil, true},
			fakeaws.FaultDropBefore:  {ErrUnreachable, true},
		} {
			fault := w.Inject(fakeaws.Fault{Service: "ecr-registry", Match: func(r fakeaws.Request) bool { return r.Method == http.MethodGet }, Count: -1, Kind: kind})
			err := read("v1")
			fault.Remove()
			e, ok := errors.AsType[*Error](err)
			if !ok || want.reason != nil && !errors.Is(err, want.reason) || e.Temporary() != want.temporary || e.Action != "ecr:BatchGetImage" {
				t.Errorf("%s: got %v", kind, err)
			}
		}
	})
}

// readImage reads manifest and config of an image by a reader of its repository.
func readImage(t *testing.T, r *Repository, uri string) error {
	t.Helper()
	transport, err := r.Reader(t.Context())
	if err != nil {
		return err
	}
	ref, err := name.NewTag(uri)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithTransport(transport), remote.WithContext(t.Context()),
		remote.WithRetryPredicate(func(error) bool { return false }), remote.WithRetryStatusCodes())
	if err != nil {
		return err
	}
	_, err = img.RawConfigFile()
	return err
}

// With FIPS endpoints a repository is read at the FIPS form of its host, in
// whichever form that was written; without them at the host as it was written.
func TestReaderWithFIPS(t *testing.T) {
	t.Parallel()
	const (
		standard  = testAccount + ".dkr.ecr.us-east-1.amazonaws.com"
		fips      = testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com"
		dualStack = testAccount + ".dkr-ecr.us-east-1.on.aws"
	)
	for name, test := range map[string]struct {
		host  string
		fips  bool
		asked string
	}{
		"standard":            {standard, true, fips},
		"FIPS":                {fips, true, fips},
		"dual stack":          {dualStack, true, testAccount + ".dkr-ecr-fips.us-east-1.on.aws"},
		"written, not set":    {fips, false, fips},
		"neither of the two":  {standard, false, standard},
		"dual stack, not set": {dualStack, false, dualStack},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if _, err := ecr.NewFromConfig(w.AWSConfig("us-east-1")).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
				t.Fatal(err)
			}
			w.put(w.open(w.client, standard+"/app"), "v1", image(t, "one"))
			w.ResetRequests()
			r := w.open(w.newClient(func(s *settings) { s.fips = test.fips }), test.host+"/app")
			if err := readImage(t, r, r.URL.TagURI("v1")); err != nil {
				t.Fatal(err)
			}
			asked := w.RequestsTo("ecr-registry", "")
			if len(asked) == 0 {
				t.Error("no request went to the registry")
			}
			for _, request := range asked {
				if request.Host != test.asked {
					t.Errorf("%s went to %s, want %s", request.Operation, request.Host, test.asked)
				}
			}
			for _, request := range w.RequestsTo("ecr-layers", "") {
				if request.HasAuthorization {
					t.Errorf("%s %s carried a password", request.Method, request.Host)
				}
			}
		})
	}
}
