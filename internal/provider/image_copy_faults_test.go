// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// copyFaultsHost is the registry that the copies of these tests are from.
const copyFaultsHost = "ghcr.io"

// copyFaultsWorld has two versions of a source with two platforms each.
func copyFaultsWorld(t *testing.T) copyWorld {
	t.Helper()
	w := newCopyWorld(t, copyFaultsHost)
	for _, tag := range []string{"1", "2"} {
		index, _, _ := multiPlatform(t, tag)
		w.source.Push(t, "team/app:"+tag, index)
	}
	return w
}

func (s *stage) copyOf(tag string) block {
	return s.seed(block{"source_image": copyFaultsHost + "/team/app:" + tag})
}

func copyScenario(c scenario) scenario {
	c.resource = copyType
	c.pushes = func(s *stage) []string {
		_, first, _ := multiPlatform(s.t, "1")
		_, second, _ := multiPlatform(s.t, "2")
		return []string{digestOf(s.t, first), digestOf(s.t, second)}
	}
	c.world = func(t *testing.T) *world { return copyFaultsWorld(t).world }
	return c
}

func firstCopy(s *stage) block  { return s.copyOf("1") }
func secondCopy(s *stage) block { return s.copyOf("2") }

func copied(s *stage) { must(s.t, s.run(firstCopy(s))) }

// copyScenarios are those of the placeholder in which a copy makes requests of
// its own.
var copyScenarios = map[string]scenario{
	"create": copyScenario(scenario{
		foreign: []string{"v1"},
		prepare: func(*stage) {},
		command: func(s *stage) error { return s.run(firstCopy(s)) },
		config:  firstCopy,
	}),
	"update": copyScenario(scenario{
		foreign: []string{"v1"},
		prepare: copied,
		command: func(s *stage) error { return s.run(secondCopy(s)) },
		config:  secondCopy,
	}),
	"destroy with an older image": copyScenario(scenario{
		prepare: func(s *stage) {
			copied(s)
			must(s.t, s.run(secondCopy(s)))
		},
		command: func(s *stage) error { return s.destroy(s.t.Context()) },
		gone:    true,
	}),
	// The image is somebody else's, and stays when its other tag moves on.
	"destroy of a tag on an image that was there": copyScenario(scenario{
		prepare: func(s *stage) {
			_, x86, _ := multiPlatform(s.t, "1")
			s.foreign["v1"] = s.w.push(s.repository, "v1", x86)
			copied(s)
		},
		command: func(s *stage) error { return s.destroy(s.t.Context()) },
		gone:    true,
	}),
}

// Every fault at every request that a copy makes to AWS.
func TestImageCopy_faultsOfTheTarget(t *testing.T) {
	t.Parallel()
	playFaults(t, copyScenarios)
}

// The process is killed at any of them.
func TestImageCopy_killed(t *testing.T) {
	t.Parallel()
	playKills(t, copyScenarios)
}

// sourceFaults are what may go wrong at a request to the source. Each answers
// in the source's place; inner is what it would have answered.
var sourceFaults = map[string]func(w http.ResponseWriter, r *http.Request, inner http.Handler){
	"internal error": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		sourcetest.Refuse(http.StatusInternalServerError, "UNKNOWN", "something broke")(w, r)
	},
	"throttled": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		sourcetest.Refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down")(w, r)
	},
	"denied": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		sourcetest.Refuse(http.StatusForbidden, "DENIED", "not for you")(w, r)
	},
	"not found": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		sourcetest.Refuse(http.StatusNotFound, "NAME_UNKNOWN", "nothing here")(w, r)
	},
	"dropped": func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
	"truncated": func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		body := answer.Body.Bytes()
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body[:max(len(body), 1)-1])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"HTML from proxy": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>502 Bad Gateway</html>"))
	},
	"page to log in": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>Please log in</html>"))
	},
	"changed": func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		body := answer.Body.Bytes()
		if len(body) > 0 {
			body[len(body)-1] ^= 1
		}
		_, _ = w.Write(body)
	},
}

// sourcePlace is a request to the source: the nth of its kind.
type sourcePlace struct {
	kind string
	nth  int
}

func kindOf(r *http.Request) string {
	for _, kind := range []string{"manifests", "blobs"} {
		if strings.Contains(r.URL.Path, "/"+kind+"/") {
			return kind
		}
	}
	return "ping"
}

// strikeSource lets a fault happen at one request, the times-th on from it.
func strikeSource(source *sourcetest.Registry, at sourcePlace, times int, fault func(http.ResponseWriter, *http.Request, http.Handler)) (struck func() int) {
	var mu sync.Mutex
	seen, hits := 0, 0
	source.Hook(func(w http.ResponseWriter, r *http.Request) bool {
		if kindOf(r) != at.kind || r.Header.Get("X-Inner") != "" {
			return false
		}
		mu.Lock()
		seen++
		hit := seen >= at.nth && hits < times
		if hit {
			hits++
		}
		mu.Unlock()
		if !hit {
			return false
		}
		fault(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			again := r.Clone(r.Context())
			again.Header.Set("X-Inner", "1")
			source.ServeHTTP(w, again)
		}))
		return true
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return hits
	}
}

// passingFaults are the faults that another try gets past.
var passingFaults = []string{"internal error", "throttled", "dropped", "truncated", "HTML from proxy"}

// survives tells whether a copy succeeds in spite of a fault.
func survives(at sourcePlace, fault string, once bool) bool {
	if at.kind == "ping" && slices.Contains([]string{"truncated", "changed", "page to log in"}, fault) {
		return true // Of that answer the status counts, and nothing else.
	}
	return once && slices.Contains(passingFaults, fault)
}

// Every fault at every request to the source, once and for ever: the copy
// succeeds where another try can help, and else fails with an error that blames
// the source; no image is pushed then, and the next apply converges.
func TestImageCopy_faultsOfTheSource(t *testing.T) {
	c := copyScenario(scenario{
		foreign: []string{"v1"},
		prepare: func(*stage) {},
		command: func(s *stage) error { return s.run(firstCopy(s)) },
		config:  firstCopy,
	})
	w := copyFaultsWorld(t)
	s := c.stage(t, w.world)
	must(t, c.command(s))
	counts := map[string]int{}
	var places []sourcePlace
	for _, r := range w.source.Requests() {
		kind := kindOf(httptest.NewRequestWithContext(t.Context(), r.Method, r.Path, nil))
		counts[kind]++
		places = append(places, sourcePlace{kind, counts[kind]})
	}
	// The ping, index and image, config and two layers.
	if len(places) != 6 {
		t.Fatalf("the source was asked %d times: %v", len(places), places)
	}
	var results tally
	t.Cleanup(func() {
		t.Logf("%d requests, %d faults at each, once and for ever: %s", len(places), len(sourceFaults), &results)
	})
	for _, at := range places {
		for name, fault := range sourceFaults {
			for often, times := range map[string]int{"once": 1, "always": 1 << 30} {
				t.Run(fmt.Sprintf("%s %d/%s/%s", at.kind, at.nth, name, often), func(t *testing.T) {
					w := copyFaultsWorld(t)
					s := c.stage(t, w.world)
					struck := strikeSource(w.source, at, times, fault)
					err := c.command(s)
					w.source.Hook(nil)
					if struck() == 0 {
						t.Fatal("the fault did not strike")
					}
					outcome := "succeeded"
					if want := survives(at, name, often == "once"); want != (err == nil) {
						t.Errorf("got %v, want success: %t", err, want)
					}
					if err != nil {
						outcome = "failed"
						wantSourceBlamed(t, err)
						if contents := w.contents(s.repository); !slices.Equal(slices.Collect(maps.Keys(contents)), []string{"v1"}) {
							t.Errorf("the repository holds %v", contents)
						}
						must(t, c.command(s))
					}
					results.add(outcome + " " + often)
					c.settled(s, true)
				})
			}
		}
	}
}

func wantSourceBlamed(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errBroken) {
		t.Error(err)
	}
	text := err.Error()
	if !strings.Contains(text, "Source image: "+copyFaultsHost+"/team/app:1") || !strings.Contains(text, "Cause: ") {
		t.Errorf("the error does not name the source: %s", text)
	}
	if strings.Contains(text, "Action: ecr:") || strings.Contains(text, "unexpected EOF: ") {
		t.Errorf("the error blames ECR: %s", text)
	}
}
