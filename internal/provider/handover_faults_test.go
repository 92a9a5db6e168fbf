// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// handoverReads are the ways in which the data sources ask AWS, with the
// attribute that an error of each operation is to be found at.
var handoverReads = []struct {
	name, source string
	config       block
	at           map[string]string
}{
	{"function", functionImage, block{"function_name": "app"}, map[string]string{"GetFunction": "function_name", "BatchGetImage": "function_name"}},
	{
		"tag", imageData,
		block{"repository_name": "app", "image_tag": "v1"},
		map[string]string{"DescribeImages": "repository_name", "BatchGetImage": "repository_name", "DescribeRepositories": "repository_name"},
	},
	{
		"parameter", imageData,
		block{"repository_url": testRepository, "ssm_parameter_name": parameterName},
		map[string]string{"GetParameter": "ssm_parameter_name", "DescribeImages": "repository_url", "BatchGetImage": "repository_url"},
	},
	{
		"most recent", imageData, mostRecent,
		map[string]string{"DescribeImages": "repository_name", "BatchGetImage": "repository_name", "DescribeRepositories": "repository_name"},
	},
}

// handedOver is a world in which every one of handoverReads finds something.
func handedOver(t *testing.T) *world {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.push("app", "v1", realImage(t, "one"))
	w.publish(parameterName, "String", testRepository+":v1")
	w.createFunction("app", testRepository+":v1")
	return w
}

// Nothing that goes wrong is taken for absence: it is an error at the attribute
// that it is about. A function would go back to its placeholder otherwise.
func TestHandover_faultsAreNoAbsence(t *testing.T) {
	t.Parallel()
	var faults []fakeaws.Fault
	for _, kind := range fakeaws.FaultKinds() {
		switch kind {
		case fakeaws.FaultHang, fakeaws.FaultHangAfter:
			continue // The time limit of a read is not for a test to wait for.
		case fakeaws.FaultExpireToken, fakeaws.FaultExpireKeys:
			continue // Nothing here asks the registry, or with temporary keys.
		}
		faults = append(faults, fakeaws.Fault{Kind: kind})
	}
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} {
		faults = append(faults, fakeaws.Fault{Kind: fakeaws.FaultHTML, Status: status}, fakeaws.Fault{Kind: fakeaws.FaultNotJSON, Status: status})
	}
	cases := 0
	for _, read := range handoverReads {
		for operation := range read.at {
			cases += len(faults)
			t.Run(read.name+"/"+operation, func(t *testing.T) {
				w := handedOver(t)
				for _, fault := range faults {
					what := fmt.Sprintf("%s, status %d", fault.Kind, fault.Status)
					fault.Operation, fault.Count = operation, -1
					injected := w.Inject(fault)
					got, problems := w.reader(nil).read(read.source, read.config)
					injected.Remove()
					if operation == "BatchGetImage" && read.source == functionImage && fault.Kind == fakeaws.FaultDenied {
						// The one exception: the function's image is kept.
						expect(t, got, map[string]any{"image_uri": testRepository + ":v1", "is_placeholder": nil})
						continue
					}
					if len(problems) != 1 || !strings.HasPrefix(problems[0], read.at[operation]+": ") {
						t.Errorf("%s: read %v, problems %q", what, got, problems)
					}
				}
			})
		}
	}
	t.Logf("%d faults at %d requests", len(faults), cases/len(faults))
}

func TestHandover_denied(t *testing.T) {
	t.Parallel()
	for _, read := range handoverReads {
		for operation, at := range read.at {
			t.Run(read.name+"/"+operation, func(t *testing.T) {
				w := handedOver(t)
				action := map[string]string{"GetFunction": "lambda:", "GetParameter": "ssm:"}[operation]
				if action == "" {
					action = "ecr:"
				}
				action += operation
				if action == "ecr:BatchGetImage" && read.source == functionImage {
					return // Not an error: see TestFunctionImage_untold.
				}
				w.denyProvider(action)
				_, problems := w.reader(nil).read(read.source, read.config)
				expectProblem(t, problems, at, "denied", "Action: "+action, "is not authorized to perform: "+action)
			})
		}
	}
}

// What the documentation says is enough, and nothing of it can be left out.
func TestHandover_minimumPolicies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		read    int
		actions []string
	}{
		{0, []string{"lambda:GetFunction", "ecr:BatchGetImage"}},
		{1, []string{"ecr:DescribeImages", "ecr:BatchGetImage", "ecr:DescribeRepositories"}},
		{2, []string{"ssm:GetParameter", "ecr:DescribeImages", "ecr:BatchGetImage"}},
		{3, []string{"ecr:DescribeImages", "ecr:BatchGetImage", "ecr:DescribeRepositories"}},
	} {
		read := handoverReads[test.read]
		t.Run(read.name, func(t *testing.T) {
			w := handedOver(t)
			allow := func(actions []string) {
				t.Helper()
				if err := w.SetPolicy(providerKey, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetCallerIdentity","%s"],"Resource":"*"}]}`,
					strings.Join(actions, `","`))); err != nil {
					t.Fatal(err)
				}
			}
			allow(test.actions)
			expect(t, w.reader(nil).mustRead(read.source, read.config), map[string]any{"exists": true, "is_placeholder": false, "reason": nil})
			for i, left := range test.actions {
				allow(slices.Delete(slices.Clone(test.actions), i, i+1))
				got, problems := w.reader(nil).read(read.source, read.config)
				if len(problems) == 0 && got["reason"] == nil {
					t.Errorf("%s is not needed: %v", left, got)
				}
			}
		})
	}
}

// Provider arguments that are not known yet are named, and nobody is asked.
func TestHandover_unknownArguments(t *testing.T) {
	w := handedOver(t)
	r := w.reader(block{"region": unknown, "access_key": unknown})
	w.ResetRequests()
	for _, read := range handoverReads {
		_, problems := r.read(read.source, read.config)
		if len(problems) != 1 || !strings.Contains(problems[0], "provider configuration not known yet") ||
			!strings.Contains(problems[0], "access_key, region") {
			t.Errorf("%s: %q", read.name, problems)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
