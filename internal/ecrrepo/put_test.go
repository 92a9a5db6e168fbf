// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

func TestPutOnAFreeTag(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		img := image(t, "one")
		result := w.put(r, "seed", img)
		w.wantPushed(r, "seed", result, img)
		found, err := r.Look(t.Context(), "seed")
		if err != nil {
			t.Fatal(err)
		}
		if found.Size != result.Image.Size || found.MediaType != result.Image.MediaType || string(found.Manifest) != string(result.Image.Manifest) {
			t.Errorf("the put tells %+v, a look %+v", result.Image, found)
		}
		ref, err := name.NewTag(r.URL.TagURI("seed"))
		if err != nil {
			t.Fatal(err)
		}
		pulled, err := remote.Image(ref, w.RemoteOptions(t.Context())...)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(pulled); err != nil {
			t.Error(err)
		}
	})
}

func TestPutOnATakenTag(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		digest := w.push(r, "seed", image(t, "theirs"))
		w.ResetRequests()
		w.wantLeft(r, "seed", w.put(r, "seed", image(t, "ours")), digest)
		if n := len(w.Requests()); n != 1 {
			t.Errorf("%d requests to find a tag taken, want 1", n)
		}
	})
}

// Another writer takes the tag at each of the requests of the push. Its image
// stays, and this one is told of it. "PutImage" is the one round trip that a
// look cannot guard: there ECR does, where it can.
func TestPutRace(t *testing.T) {
	t.Parallel()
	type race struct {
		at   string
		mode types.ImageTagMutability
		same bool // the other writer pushes the same image
	}
	var races []race
	for _, mode := range []types.ImageTagMutability{types.ImageTagMutabilityMutable, types.ImageTagMutabilityImmutable} {
		for _, at := range []string{"InitiateLayerUpload", "CompleteLayerUpload", "BatchGetImage", "PutImage"} {
			for _, same := range []bool{false, true} {
				races = append(races, race{at, mode, same})
			}
		}
	}
	for _, wording := range []string{"new wording", "old wording"} {
		for _, race := range races {
			if race.at == "PutImage" && race.mode == types.ImageTagMutabilityMutable && !race.same {
				continue // The round trip that remains, see below.
			}
			testName := wording + "/" + string(race.mode) + "/" + race.at
			if race.same {
				testName += "/same image"
			}
			t.Run(testName, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{OldImmutableWording: wording == "old wording"}))
				r := w.repository("app", race.mode)
				theirs := image(t, "theirs")
				if race.same {
					theirs = image(t, "ours")
				}
				nth := 1
				if race.at == "BatchGetImage" {
					nth = 2 // The look after the blobs.
				}
				w.Inject(fakeaws.Fault{Operation: race.at, Nth: nth, Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
					w.push(r, "seed", theirs)
				}})
				w.wantLeft(r, "seed", w.put(r, "seed", image(t, "ours")), digestOf(t, theirs))
			})
		}
	}
}

func byClient(r fakeaws.Request) bool { return r.AccessKey == clientKey }

// The round trip that remains on a mutable tag: the other writer's tag moves,
// its image stays.
func TestPutRaceThatRemains(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		var theirs string
		w.Inject(fakeaws.Fault{Operation: "PutImage", Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
			theirs = w.push(r, "seed", image(t, "theirs"))
		}})
		w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
		if _, err := r.Look(t.Context(), theirs); err != nil {
			t.Errorf("the other image is gone: %v", err)
		}
	})
}

// An emulator's registry tells of an immutable tag by a text alone, of which
// ECR's registry has had two.
func TestPutRaceOnAnEmulator(t *testing.T) {
	t.Parallel()
	for wording, old := range map[string]bool{"new wording": false, "old wording": true} {
		t.Run(wording, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeaws.WithEmulatorHosts(), fakeaws.WithBehaviour(fakeaws.Behaviour{OldImmutableWording: old}))
			r := w.repository("app", types.ImageTagMutabilityImmutable)
			w.Inject(fakeaws.Fault{Operation: "PutImage", Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
				w.push(r, "seed", image(t, "theirs"))
			}})
			w.wantLeft(r, "seed", w.put(r, "seed", image(t, "ours")), digestOf(t, image(t, "theirs")))
		})
	}
}

// A manifest arrived and its answer was lost: the tag is this writer's.
func TestPutLostAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range []fakeaws.FaultKind{fakeaws.FaultDropAfter, fakeaws.FaultTruncate} {
		for _, mode := range []types.ImageTagMutability{types.ImageTagMutabilityMutable, types.ImageTagMutabilityImmutable} {
			for hostName, opts := range hosts {
				if hostName != "real hosts" && kind == fakeaws.FaultTruncate {
					// The registry's answer has no body that could be cut off.
					continue
				}
				t.Run(string(kind)+"/"+string(mode)+"/"+hostName, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, opts...)
					r := w.repository("app", mode)
					w.Inject(fakeaws.Fault{Operation: "PutImage", Kind: kind})
					w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
					if n := w.asked("PutImage"); n != 1 {
						t.Errorf("the manifest was sent %d times, want 1: the look finds it", n)
					}
				})
			}
		}
	}
}

// The same, and the look finds nothing yet: ECR's "already exists" is about
// this writer's first try.
func TestPutLostAnswerAndLateLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	w.Inject(fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultDropAfter})
	w.Inject(fakeaws.Fault{Operation: "BatchGetImage", Nth: 3, Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) {
		a.Body = []byte(`{"images":[],"failures":[{"imageId":{"imageTag":"seed"},"failureCode":"ImageNotFound","failureReason":"Requested image not found"}]}`)
	}})
	w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
	if n := w.asked("PutImage"); n != 2 {
		t.Errorf("the manifest was sent %d times, want 2", n)
	}
}

// Interrupted while the answer is on its way: one more look tells.
func TestPutInterruptedAfterTheManifest(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		hang := w.Inject(fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultHangAfter})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			<-hang.Struck()
			cancel()
		}()
		result, err := r.PutIfAbsent(ctx, "seed", image(t, "ours"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantPushed(r, "seed", result, image(t, "ours"))
	})
}

// Interrupted before: nothing is there, and nothing is claimed.
func TestPutInterruptedBeforeTheManifest(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		hang := w.Inject(fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultHang})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			<-hang.Struck()
			cancel()
		}()
		result, err := r.PutIfAbsent(ctx, "seed", image(t, "ours"))
		_ = wantError(t, err, ErrCanceled, "ecr:PutImage")
		if result.Pushed || w.at(r, "seed") != "" {
			t.Errorf("pushed %v, the tag holds %q", result.Pushed, w.at(r, "seed"))
		}
	})
}

// The answer is lost and nothing answers from then on: no claim is made.
func TestPutLostForGood(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		w.Inject(fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultDropAfter})
		w.Inject(fakeaws.Fault{Operation: "BatchGetImage", Nth: 3, Count: -1, Kind: fakeaws.FaultUnavailable})
		result, err := r.PutIfAbsent(t.Context(), "seed", image(t, "ours"))
		failure := wantError(t, err, nil)
		if failure.StatusCode != http.StatusServiceUnavailable || result.Pushed {
			t.Errorf("%v, %+v", failure, result)
		}
	})
}

// Layers that are there already, from an image that lost its tag, are found
// where the registry refuses to take them twice and sent again where it does not.
func TestPutOnExistingLayers(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]bool{"refused": true, "taken again": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{RefuseExistingLayer: refuse}))
			r := w.repository("app")
			w.push(r, "other", image(t, "ours"))
			w.ResetRequests()
			w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
			if n := w.asked("BatchCheckLayerAvailability"); (n > 0) != refuse {
				t.Errorf("layers were asked for %d times", n)
			}
		})
	}
}

// Each request of the registry once throttled, broken off, or with its upload
// forgotten: the push goes on.
func TestPutTriesAgain(t *testing.T) {
	t.Parallel()
	faults := map[string]fakeaws.Fault{
		"throttled":      {Kind: fakeaws.FaultThrottle},
		"dropped before": {Kind: fakeaws.FaultDropBefore},
		"dropped after":  {Kind: fakeaws.FaultDropAfter},
		"500":            {Kind: fakeaws.FaultInternalError},
		"503":            {Kind: fakeaws.FaultUnavailable},
		"token expired":  {Kind: fakeaws.FaultExpireToken},
		"upload unknown": {Kind: fakeaws.FaultHandler, Handler: fakeaws.HostileError(404, "BLOB_UPLOAD_UNKNOWN", "The upload id could not be found")},
		"upload invalid": {Kind: fakeaws.FaultHandler, Handler: fakeaws.HostileError(400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest")},
		"name unknown":   {Kind: fakeaws.FaultHandler, Handler: fakeaws.HostileError(404, "NAME_UNKNOWN", "The repository does not exist")},
	}
	for faultName, fault := range faults {
		for _, operation := range []string{"InitiateLayerUpload", "CompleteLayerUpload"} {
			t.Run(faultName+"/"+operation, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := w.repository("app")
				fault.Service, fault.Operation = "ecr-registry", operation
				injected := w.Inject(fault)
				w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
				if len(injected.Hits()) != 1 {
					t.Errorf("the fault struck %d times, want once", len(injected.Hits()))
				}
			})
		}
	}
}

// The tries end.
func TestPutGivesUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  fakeaws.Fault
		reason error
		says   string
		tries  int
	}{
		"registry 503":      {fakeaws.Fault{Service: "ecr-registry", Operation: "InitiateLayerUpload", Kind: fakeaws.FaultUnavailable}, nil, "HTTP status 503", 6},
		"registry throttle": {fakeaws.Fault{Service: "ecr-registry", Operation: "CompleteLayerUpload", Kind: fakeaws.FaultThrottle}, ErrThrottled, "TOOMANYREQUESTS: Rate exceeded", 2 * throttledTries},
		"registry silent":   {fakeaws.Fault{Service: "ecr-registry", Operation: "InitiateLayerUpload", Kind: fakeaws.FaultDropBefore}, ErrUnreachable, "EOF", 6},
		"registry denied":   {fakeaws.Fault{Service: "ecr-registry", Operation: "CompleteLayerUpload", Kind: fakeaws.FaultDenied}, ErrDenied, "ecr:CompleteLayerUpload on resource", 2},
		"PutImage 500":      {fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultInternalError}, nil, "ServerException", 3},
		"PutImage throttle": {fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultThrottle}, ErrThrottled, "ThrottlingException: Rate exceeded", throttledTries},
		"PutImage denied":   {fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultDenied}, ErrDenied, "is not authorized to perform: ecr:PutImage", 1},
		"PutImage silent":   {fakeaws.Fault{Operation: "PutImage", Kind: fakeaws.FaultDropBefore}, ErrUnreachable, "ecr:PutImage on " + testHost + "/app", 3},
		"look throttle":     {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultThrottle}, ErrThrottled, "ThrottlingException: Rate exceeded", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			test.fault.Count = -1
			injected := w.Inject(test.fault)
			_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "ours"))
			failure := wantError(t, err, test.reason, test.says)
			if failure.Resource != testHost+"/app" || (failure.StatusCode != 0 && test.fault.Service == "" && failure.RequestID == "") {
				t.Errorf("resource %q, request %q", failure.Resource, failure.RequestID)
			}
			// Config and layer are sent side by side; the first that gives up ends
			// the other.
			if n := len(injected.Hits()); n > test.tries || n < (test.tries+1)/2 {
				t.Errorf("tried %d times, want at most %d", n, test.tries)
			}
		})
	}
}

// ECR's word for a full repository is, for the SDK, one for throttling.
func TestPutIntoAFullRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	injected := w.Inject(fakeaws.Fault{Operation: "PutImage", Count: -1, Kind: fakeaws.FaultHandler, Handler: func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = rw.Write([]byte(`{"__type":"LimitExceededException","message":"The maximum number of images per repository has been reached"}`))
	}})
	_, err := r.PutIfAbsent(t.Context(), "seed", image(t, "ours"))
	failure := wantError(t, err, nil, "LimitExceededException: The maximum number of images")
	if errors.Is(err, ErrThrottled) || len(injected.Hits()) != 1 {
		t.Errorf("%v, after %d tries", failure, len(injected.Hits()))
	}
}

// A repository that was just created becomes visible late; one that is not
// there is not waited for long.
func TestPutIntoANewRepository(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		// However slow the machine is, the repository becomes visible in a minute.
		patient := w.newClient(func(*settings) {}, WithTiming(time.Minute, 2*time.Millisecond))
		r := w.open(patient, w.repository("app").URL.String())
		w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
		absent := w.open(w.client, w.host+"/absent")
		_, err := absent.PutIfAbsent(t.Context(), "seed", image(t, "ours"))
		_ = wantError(t, err, ErrRepositoryNotFound, "RepositoryNotFoundException: The repository with name 'absent' does not exist")
	}, fakeaws.WithCreateLag(3))
}

func TestPutWithEitherLocation(t *testing.T) {
	t.Parallel()
	for name, relative := range map[string]bool{"relative": true, "absolute": false} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, w *world) {
				r := w.repository("app")
				w.wantPushed(r, "seed", w.put(r, "seed", image(t, "ours")), image(t, "ours"))
			}, fakeaws.WithBehaviour(fakeaws.Behaviour{RelativeLocation: relative}))
		})
	}
}

// An answer that names another digest, or none, is no success.
func TestPutAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty object": `{}`, "empty body": ``, "null": `null`, "no image id": `{"image":{}}`,
		"other digest": `{"image":{"imageId":{"imageDigest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.Inject(fakeaws.Fault{Operation: "PutImage", Count: -1, Kind: fakeaws.FaultHandler, Handler: func(rw http.ResponseWriter, _ *http.Request) {
				_, _ = rw.Write([]byte(body))
			}})
			result, err := r.PutIfAbsent(t.Context(), "seed", image(t, "ours"))
			_ = wantError(t, err, ErrUnexpectedAnswer, "ecr:PutImage")
			if result.Pushed {
				t.Error("a push is claimed that has not happened")
			}
		})
	}
}

func TestReplace(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		old := w.put(r, "seed", image(t, "old"))
		result, err := r.Replace(t.Context(), "seed", old.Image.Digest, image(t, "new"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantPushed(r, "seed", result, image(t, "new"))
		if _, err := r.Look(t.Context(), old.Image.Digest); err != nil {
			t.Errorf("the old image is gone: %v", err)
		}

		theirs := w.push(r, "seed", image(t, "theirs"))
		result, err = r.Replace(t.Context(), "seed", digestOf(t, image(t, "new")), image(t, "newer"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantLeft(r, "seed", result, theirs)

		_, err = r.Replace(t.Context(), "absent", old.Image.Digest, image(t, "newer"))
		_ = wantError(t, err, ErrImageNotFound, `nothing at "absent"`)
	})
}

// Another writer takes, or deletes, the tag while the blobs of a replacement
// are on their way.
func TestReplaceRace(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		old := w.put(r, "seed", image(t, "old"))
		w.Inject(fakeaws.Fault{Operation: "CompleteLayerUpload", Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
			w.push(r, "seed", image(t, "theirs"))
		}})
		result, err := r.Replace(t.Context(), "seed", old.Image.Digest, image(t, "new"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantLeft(r, "seed", result, digestOf(t, image(t, "theirs")))

		w.ClearFaults()
		w.Inject(fakeaws.Fault{Operation: "CompleteLayerUpload", Match: byClient, Kind: fakeaws.FaultHook, Before: func(fakeaws.Request) {
			w.ExpireImage(testRegion, "app", "seed")
		}})
		_, err = r.Replace(t.Context(), "seed", digestOf(t, image(t, "theirs")), image(t, "newest"))
		_ = wantError(t, err, ErrImageNotFound)
		if got := w.at(r, "seed"); got != "" {
			t.Errorf("a tag that was deleted is back, with %s", got)
		}
	})
}

func TestReplaceOnAnImmutableTag(t *testing.T) {
	t.Parallel()
	for hostName, opts := range hosts {
		for wording, old := range map[string]bool{"new wording": false, "old wording": true} {
			t.Run(hostName+"/"+wording, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, append(opts, fakeaws.WithBehaviour(fakeaws.Behaviour{OldImmutableWording: old}))...)
				r := w.repository("app", types.ImageTagMutabilityImmutable)
				first := w.put(r, "seed", image(t, "old"))
				_, err := r.Replace(t.Context(), "seed", first.Image.Digest, image(t, "new"))
				failure := wantError(t, err, ErrTagImmutable, "immutable")
				if failure.Code == "" || failure.Action != "ecr:PutImage" {
					t.Errorf("%+v", failure)
				}
				if got := w.at(r, "seed"); got != first.Image.Digest {
					t.Errorf("the tag holds %s", got)
				}
			})
		}
	}
}

// A layer that was said to be there and is not (any more) is sent after all.
func TestPutLayersThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	old := w.put(r, "seed", image(t, "old"))
	w.Inject(fakeaws.Fault{Operation: "BatchCheckLayerAvailability", Count: 2, Kind: fakeaws.FaultHandler, Handler: func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusOK)
	}})
	result, err := r.Replace(t.Context(), "seed", old.Image.Digest, image(t, "new"))
	if err != nil {
		t.Fatal(err)
	}
	w.wantPushed(r, "seed", result, image(t, "new"))
	if n := w.asked("PutImage"); n != 3 {
		t.Errorf("%d manifests were sent, want 3: the old one, one without its layers, and one with them", n)
	}
}
