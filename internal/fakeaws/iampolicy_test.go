// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const limitedKey = "AKIALIMITED"

// pushActions are what the ECR user guide (image-push-iam) lists for a push.
var pushActions = []string{
	"ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart",
	"ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:BatchGetImage",
}

func TestEachPushActionIsNeeded(t *testing.T) {
	t.Parallel()
	const resource = "arn:aws:ecr:ap-northeast-1:123456789012:repository/app"
	for _, without := range append([]string{""}, pushActions...) {
		t.Run("without "+without, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			uri := createRepository(t, srv, "app")
			actions := slices.DeleteFunc(slices.Clone(pushActions), func(a string) bool { return a == without })
			if err := srv.SetPolicy(limitedKey, AllowPolicy(resource, actions...)); err != nil {
				t.Fatal(err)
			}
			_, err := push(t.Context(), t, uri+":v1", srv.RemoteOptionsFor(t.Context(), limitedKey, DefaultRegion)...)
			// go-containerregistry takes a HEAD that is denied for "not there".
			if without == "" || without == "ecr:BatchGetImage" || without == "ecr:BatchCheckLayerAvailability" {
				if err != nil && without != "ecr:BatchCheckLayerAvailability" {
					t.Errorf("push: %v", err)
				}
				return
			}
			want := "DENIED: User: arn:aws:iam::123456789012:user/fakeaws is not authorized to perform: " + without +
				" on resource: " + resource + " because no identity-based policy allows the " + without + " action"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v\nwant %s", err, want)
			}
			if images := srv.Images(DefaultRegion, "app"); len(images) != 0 {
				t.Errorf("%d images were pushed", len(images))
			}
		})
	}
}

func TestDeniedAPICallNamesActionAndResource(t *testing.T) {
	t.Parallel()
	srv := start(t)
	createRepository(t, srv, "app")
	if err := srv.SetPolicy(limitedKey, AllowPolicy("arn:aws:ecr:*:*:repository/other-*", "ecr:*")); err != nil {
		t.Fatal(err)
	}
	_, err := clientAs(srv, limitedKey).BatchGetImage(t.Context(), &ecr.BatchGetImageInput{
		RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("x")}},
	})
	wantAPIError(t, err, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/fakeaws is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:ap-northeast-1:123456789012:repository/app because no identity-based policy allows the ecr:BatchGetImage action")
	_, err = clientAs(srv, limitedKey).GetAuthorizationToken(t.Context(), nil)
	wantAPIError(t, err, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/fakeaws is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action")
	if err := srv.SetPolicy(limitedKey, ""); err != nil {
		t.Fatal(err)
	}
	if _, err = clientAs(srv, limitedKey).GetAuthorizationToken(t.Context(), nil); err != nil {
		t.Errorf("without a policy everything is allowed, but: %v", err)
	}
}

func TestDeniedRegistryRequestMayBeADroppedConnection(t *testing.T) {
	t.Parallel()
	srv := start(t, WithBehaviour(Behaviour{DropDenied: true}))
	uri := createRepository(t, srv, "app")
	if err := srv.SetPolicy(limitedKey, AllowPolicy("*", "ecr:BatchGetImage")); err != nil {
		t.Fatal(err)
	}
	_, err := push(t.Context(), t, uri+":v1", srv.RemoteOptionsFor(t.Context(), limitedKey, DefaultRegion)...)
	if err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("error = %v, want EOF", err)
	}
}

func TestAnotherAccountNeedsTheRepositorysPolicyToo(t *testing.T) {
	t.Parallel()
	const foreigner = "arn:aws:iam::210987654321:user/ci"
	srv := start(t, WithCredential("AKIAFOREIGN", "210987654321", foreigner))
	uri := createRepository(t, srv, "app")
	options := srv.RemoteOptionsFor(t.Context(), "AKIAFOREIGN", DefaultRegion)
	status, body := ask(t, srv, uri, "/manifests/v1", srv.Password("AKIAFOREIGN", DefaultRegion))
	if want := "because no resource-based policy allows the ecr:BatchGetImage action"; status != http.StatusForbidden || !strings.Contains(body, want) {
		t.Fatalf("%d %s, want 403 %q", status, body, want)
	}
	_, err := ecr.NewFromConfig(srv.AWSConfig(DefaultRegion)).SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{
		RepositoryName: aws.String("app"),
		PolicyText:     aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":"ecr:*"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	img, err := push(t.Context(), t, uri+":v1", options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Image(parse(t, uri+":v1"), options...); err != nil {
		t.Error(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := srv.ImageAt(DefaultRegion, "app", "v1"); !ok || at.Digest != digest.String() {
		t.Errorf("v1 is %s, want %s", at.Digest, digest)
	}
}

func TestPolicyEvaluation(t *testing.T) {
	t.Parallel()
	const repo = "arn:aws:ecr:eu-west-1:123456789012:repository/team/app"
	for name, test := range map[string]struct {
		document string
		want     decision
	}{
		"exact":          {`{"Statement":[{"Effect":"Allow","Action":"ecr:PutImage","Resource":"` + repo + `"}]}`, allowed},
		"case of action": {`{"Statement":{"Effect":"Allow","Action":"ECR:putimage","Resource":"*"}}`, allowed},
		"wildcards":      {`{"Statement":{"Effect":"Allow","Action":"ecr:P?tIm*","Resource":"arn:aws:ecr:*:*:repository/team/*"}}`, allowed},
		"other action":   {`{"Statement":{"Effect":"Allow","Action":"ecr:PutImag","Resource":"*"}}`, silent},
		"other resource": {`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecr:eu-west-1:123456789012:repository/team"}}`, silent},
		"deny wins":      {`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecr:Put*","Resource":"*"}]}`, denied},
		"not action":     {`{"Statement":{"Effect":"Allow","NotAction":"ecr:PutImage","Resource":"*"}}`, silent},
		"not resource":   {`{"Statement":{"Effect":"Allow","Action":"*","NotResource":"` + repo + `"}}`, silent},
	} {
		p, err := parsePolicy(test.document)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.decide(permission{"ecr:PutImage", repo}, nil); got != test.want {
			t.Errorf("%s: decision %d, want %d", name, got, test.want)
		}
	}
}

func TestPoliciesThatCannotBeEvaluatedAreErrors(t *testing.T) {
	t.Parallel()
	srv := start(t)
	for document, want := range map[string]string{
		`nonsense`:         "policy document: invalid character",
		`{"Statement":[]}`: "policy document: no statement",
		`{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}`:                                   `policy document: effect "Maybe" is neither Allow nor Deny`,
		`{"Statement":{"Effect":"Allow","Resource":"*"}}`:                                                "policy document: a statement has no action",
		`{"Statement":{"Effect":"Allow","Action":"*"}}`:                                                  "policy document: a statement has no resource",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"true"}}}}`: "policy document: fakeaws does not evaluate conditions",
	} {
		if err := srv.SetPolicy("x", document); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("SetPolicy(%s) = %v, want %s", document, err, want)
		}
	}
}

func TestForbiddenOperationsAreViolationsOfTheProviderOnly(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	for agent, status := range map[string]int{"pipeline/1": http.StatusOK, "terraform-provider-lambdaseed/1": http.StatusInternalServerError} {
		request := get(t, "https://"+strings.Replace(uri, "/", "/v2/", 1)+"/tags/list")
		request.SetBasicAuth("AWS", srv.Password(PipelineAccessKey, DefaultRegion))
		request.Header.Set("User-Agent", agent)
		response, err := srv.Transport().RoundTrip(request) //nolint:bodyclose // readAll closes it
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, response); response.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", agent, response.StatusCode, body, status)
		}
	}
	violations := srv.Violations()
	if len(violations) != 1 || violations[0].Operation != "ListImages" || violations[0].Service != "ecr-registry" {
		t.Errorf("violations = %+v, want the one of lambdaseed", violations)
	}
}
