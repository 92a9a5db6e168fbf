// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// documentedPolicies are the IAM policies that users copy, and what each is
// for. optional are the actions without which nothing fails.
var documentedPolicies = map[string]struct {
	scenarios []string
	optional  []string
}{
	"seed": {
		[]string{
			"create", "create on a real image", "create as latest", "update", "update after the hand-over", "restore a lost seed",
			"read", "read after the tag has expired", "read after the tag was lost",
		},
		[]string{"ecr:DescribeRepositories"},
	},
	"refresh": {[]string{"read", "read after the tag has expired", "read after the tag was lost"}, nil},
	"destroy": {[]string{"destroy", "destroy with older manifests", "destroy after the hand-over", "destroy of a lost seed"}, nil},
}

// iamPolicy is as much of a policy as the documented ones have.
type iamPolicy struct {
	Version   string
	Statement []iamStatement
}

type iamStatement struct {
	Sid, Effect string
	Action      any
	Resource    string
}

func (s iamStatement) actions() []string {
	switch action := s.Action.(type) {
	case string:
		return []string{action}
	case []any:
		var actions []string
		for _, a := range action {
			actions = append(actions, fmt.Sprint(a))
		}
		return actions
	}
	return nil
}

// documentedPolicy reads a policy and fills in the placeholders as its user
// does.
func documentedPolicy(t *testing.T, name, repository string) iamPolicy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "iam", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("REGION", testRegion, "ACCOUNT_ID", testAccount, "REPOSITORY", repository).Replace(string(text))
	var p iamPolicy
	if err := json.Unmarshal([]byte(filled), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p iamPolicy) actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.actions()...)
	}
	return all
}

// without returns the policy less one action, as JSON.
func (p iamPolicy) without(t *testing.T, action string) string {
	t.Helper()
	less := iamPolicy{Version: p.Version}
	for _, s := range p.Statement {
		kept := slices.DeleteFunc(s.actions(), func(a string) bool { return a == action })
		if len(kept) > 0 {
			s.Action = kept
			less.Statement = append(less.Statement, s)
		}
	}
	if len(less.Statement) == 0 {
		less.Statement = []iamStatement{{Effect: "Deny", Action: "*", Resource: "*"}}
	}
	document, err := json.Marshal(less)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

// Each documented policy suffices for what it is for, and any one action less
// fails, with an error that names the action and the repository.
func TestPolicy_minimum(t *testing.T) {
	t.Parallel()
	for name, documented := range documentedPolicies {
		p := documentedPolicy(t, name, "app")
		t.Run(name, func(t *testing.T) {
			for _, scenarioName := range documented.scenarios {
				t.Run("suffices/"+scenarioName, func(t *testing.T) {
					c := everyScenario(t, scenarioName)
					w := newWorld(t)
					s := c.stage(t, w)
					must(t, w.SetPolicy(s.key, p.without(t, "")))
					must(t, c.command(s))
					for _, r := range w.Requests() {
						if s.mine(r) && (r.ErrorCode == "DENIED" || r.ErrorCode == "AccessDeniedException") {
							t.Errorf("%s was denied on the way", r.Operation)
						}
					}
					must(t, w.SetPolicy(s.key, ""))
					c.settled(s, true)
				})
			}
			for _, action := range p.actions() {
				t.Run("without "+action, func(t *testing.T) {
					t.Parallel()
					var denied tally
					t.Run("all", func(t *testing.T) {
						for _, scenarioName := range documented.scenarios {
							t.Run(scenarioName, func(t *testing.T) {
								if everyScenario(t, scenarioName).deny(t, newWorld(t), p.without(t, action), action) {
									denied.add(action)
								}
							})
						}
					})
					optional := slices.Contains(documented.optional, action)
					if n := denied.counts[action]; (n == 0) != optional {
						t.Errorf("without it %d of %d operations fail; optional: %v", n, len(documented.scenarios), optional)
					}
				})
			}
		})
	}
}

// everyScenario finds a scenario; those that are about a seed that is lost and
// destroyed are of no use to the matrix, which has their requests already.
func everyScenario(t *testing.T, name string) scenario {
	t.Helper()
	all := maps.Clone(scenarios)
	all["destroy of a lost seed"] = scenario{
		prepare: func(s *stage) {
			must(s.t, s.run(s.plain()))
			must(s.t, s.run(s.arm()))
			s.w.ExpireImage(testRegion, s.repository, defaultImageTag)
		},
		command: func(s *stage) error { return s.destroy(s.ctx) },
		gone:    true,
	}
	c, ok := all[name]
	if !ok {
		t.Fatalf("no scenario %q", name)
	}
	return c
}

// deny plays a scenario with a policy that lacks an action and reports whether
// the command failed. Then the error says which action is missing where, and
// nothing is taken for gone.
func (c scenario) deny(t *testing.T, w *world, policy, action string) bool {
	t.Helper()
	s := c.stage(t, w)
	before := s.state
	must(t, w.SetPolicy(s.key, policy))
	err := c.command(s)
	must(t, w.SetPolicy(s.key, ""))
	s.wantForeign()
	if err == nil {
		c.settled(s, true)
		return false
	}
	resource := "arn:aws:ecr:" + testRegion + ":" + testAccount + ":repository/app"
	if action == "ecr:GetAuthorizationToken" {
		resource = "*"
	}
	said := "is not authorized to perform: " + action + " on resource: " + resource
	if action == "ecr:BatchCheckLayerAvailability" {
		said = "HTTP status 403" // The answer to HEAD has no text.
	}
	for _, want := range []string{
		"access to ECR denied", said,
		"Repository: " + testHost + "/app", "Allow the action on the repository",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if action != "ecr:UploadLayerPart" && action != "ecr:CompleteLayerUpload" && !strings.Contains(err.Error(), "Action: "+action+"\n") {
		t.Errorf("the error does not name the action %s:\n%v", action, err)
	}
	if before != nil && s.state == nil {
		t.Error("a denied resource has left the state")
	}
	must(t, c.command(s))
	c.settled(s, true)
	return true
}

// ECR is known to close the connection without a word where it denies a
// request of the registry. The error says that this may be so.
func TestPolicy_deniedWithoutAWord(t *testing.T) {
	w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{DropDenied: true}))
	c := scenarios["create"]
	s := c.stage(t, w)
	must(t, w.SetPolicy(s.key, documentedPolicy(t, "seed", "app").without(t, "ecr:InitiateLayerUpload")))
	err := c.command(s)
	if err == nil {
		t.Fatal("created without the permission")
	}
	for _, want := range []string{"no answer from ECR", "ECR closes the connection without an answer to some requests that it denies", "Action: ecr:InitiateLayerUpload"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	must(t, w.SetPolicy(s.key, ""))
	must(t, c.command(s))
	c.settled(s, true)
}

// Without ecr:DescribeRepositories the plan does not know that a tag is
// immutable; the apply does.
func TestPolicy_planWithoutDescribeRepositories(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"allowed": true, "denied": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := scenario{prepare: func(*stage) {}}.stage(t, w)
			w.deleteRepository("app")
			w.createRepository("app", "IMMUTABLE")
			must(t, s.run(s.plain()))
			if !allowed {
				must(t, w.SetPolicy(s.key, documentedPolicy(t, "seed", "app").without(t, "ecr:DescribeRepositories")))
			}
			w.ResetRequests()
			err := s.run(s.arm())
			if err == nil || !strings.Contains(err.Error(), "Tags of the repository "+testHost+"/app are immutable") {
				t.Errorf("%v", err)
			}
			if pushed := len(w.RequestsTo("ecr-registry", "")) > 0; pushed == allowed {
				t.Errorf("asked at plan: %v, pushed: %v", allowed, pushed)
			}
		})
	}
}
