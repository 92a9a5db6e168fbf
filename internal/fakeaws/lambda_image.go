// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// imageURIPattern is a private ECR image: registry host, repository, tag or
// digest or both.
var imageURIPattern = regexp.MustCompile(`^([^/]+)/([^:@]+)(?::([^:@]+))?(?:@(sha256:[0-9a-f]{64}))?$`)

func sourceInvalid(uri string) *apiError {
	// Seen in grafana/loki#7218 for public.ecr.aws, and in
	// ministryofjustice/modernisation-platform#2419 for a name without a host.
	// For a FIPS host, another region, tag with digest and a missing tag the
	// words are not known; that they are refused is documented.
	return invalidValue("Source image %s is not valid. Provide a valid source image.", uri)
}

// resolveImage does what Lambda does with an image URI when a function is
// created or its code updated: it resolves the tag, looks at the manifest and
// sees that it may read the repository.
func (l *lambdaService) resolveImage(c *call, uri string) (functionCode, *asyncFailure, *apiError) {
	code := functionCode{packageType: "Image", imageURI: uri}
	match := imageURIPattern.FindStringSubmatch(uri)
	if match == nil {
		return code, nil, sourceInvalid(uri)
	}
	host, name, tag, digest := match[1], match[2], match[3], match[4]
	key, ok := l.registryOf(c, host)
	if !ok || key.Region != c.Region || tag != "" && digest != "" && !l.behaviour.TagAndDigest {
		return code, nil, sourceInvalid(uri)
	}
	if tag == "" && digest == "" {
		if !l.behaviour.UntaggedIsLatest {
			return code, nil, sourceInvalid(uri)
		}
		tag = "latest"
	}

	e := l.srv.ecr
	e.mu.Lock()
	defer e.mu.Unlock()
	repo := e.repositories[key][name]
	if repo == nil {
		return code, nil, sourceMissing(uri)
	}
	if refusal := l.mayRetrieve(c, repo); refusal != nil {
		return code, nil, refusal
	}
	if digest == "" {
		digest = repo.tags[tag]
	}
	image := repo.images[digest]
	if image == nil {
		return code, nil, sourceMissing(uri)
	}
	code.repository, code.digest = &repositoryRef{key, name, host}, digest
	code.sha256 = strings.TrimPrefix(digest, "sha256:")
	failure, refusal := l.checkImage(image, uri)
	return code, failure, refusal
}

// sourceMissing is the error that this whole project is about. Seen in
// hashicorp/terraform#27963.
func sourceMissing(uri string) *apiError {
	return invalidValue("Source image %s does not exist. Provide a valid source image.", uri)
}

// registryOf tells which registry a host is: ECR's standard or dual-stack host
// (Lambda takes no FIPS host: developer guide, images-create.html), or the
// emulator's own address.
func (l *lambdaService) registryOf(c *call, host string) (regionKey, bool) {
	if l.srv.emulatorHosts && host == l.srv.address {
		return regionKey{c.Account, c.Region}, true
	}
	h, ok := parseAWSHost(host)
	if !ok || h.Service != serviceRegistry || strings.Contains(host, "ecr-fips") {
		return regionKey{}, false
	}
	return regionKey{h.Account, h.Region}, true
}

// imageJSONTypes are the configs that Lambda takes, layersTaken the layers.
// Source: Lambda developer guide, images-create.html (Docker v2s2, OCI 1.0).
var (
	imageJSONTypes = []string{string(types.DockerConfigJSON), string(types.OCIConfigJSON)}
	layersTaken    = []string{string(types.DockerLayer), string(types.OCILayer), string(types.OCIUncompressedLayer), string(types.DockerUncompressedLayer)}
	layersUnpacked = []string{string(types.OCIUncompressedLayer), string(types.DockerUncompressedLayer)}
)

// checkImage refuses what Lambda refuses at once, and tells what it finds out
// while the function is pending.
func (l *lambdaService) checkImage(image *storedImage, uri string) (*asyncFailure, *apiError) {
	var m manifestJSON
	if json.Unmarshal(image.manifest, &m) != nil || m.Config == nil || !slices.Contains(imageMediaTypes, image.mediaType) ||
		!slices.Contains(imageJSONTypes, m.Config.MediaType) ||
		slices.ContainsFunc(m.Layers, func(d descriptorJSON) bool { return !slices.Contains(layersTaken, d.MediaType) }) {
		// Seen in aws/aws-lambda-roadmap#82, for an index with attestations.
		return nil, invalidValue("The image manifest, config or layer media type for the source image %s is not supported.", uri)
	}
	for _, layer := range m.Layers {
		if slices.Contains(layersUnpacked, layer.MediaType) {
			// Seen in bazel-contrib/rules_oci#645 and #777; that the missing
			// compression is the cause is a guess.
			return &asyncFailure{code: "InvalidImage", reason: "ImageLayerFailure: UnsupportedImageLayerDetected - Layer Digest " + layer.Digest}, nil
		}
	}
	if len(m.Layers) == 0 && l.behaviour.EmptyImageFails {
		return &asyncFailure{code: "InvalidImage", reason: "ImageLayerFailure: the image has no layers"}, nil
	}
	return nil, nil
}

const retrievalPolicySid = "LambdaECRImageRetrievalPolicy"

// mayRetrieve sees that the repository's policy lets Lambda read it, and adds the
// statement where it may. Both locks must be held.
// Source: Lambda developer guide, images-create.html (permissions); the text is
// seen in public code as AccessDeniedException, 403.
func (l *lambdaService) mayRetrieve(c *call, repo *repository) *apiError {
	refusal := userError(http.StatusForbidden, "AccessDeniedException",
		"Lambda does not have permission to access the ECR image. Check the ECR permissions.")
	if repo.key.Account != c.Account {
		// Another account's repository must allow the caller's account as well.
		if l.readable(repo) && permits(repo, l.srv, principalMatcher(c.Principal)) {
			return nil
		}
		return refusal
	}
	if l.readable(repo) {
		return nil
	}
	if l.behaviour.NoPolicyWrite {
		return nil
	}
	resource := l.srv.ecr.arn(repo.key.Account, repo.key.Region, repo.name)
	for _, action := range []string{"ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"} {
		if _, ok := l.srv.authorize(c.Principal, permission{action, resource}, repo.key.Account, repo.policy); !ok {
			return refusal
		}
	}
	policy := map[string]any{}
	if repo.policy != "" && json.Unmarshal([]byte(repo.policy), &policy) != nil {
		return refusal
	}
	statements, _ := policy["Statement"].([]any)
	if one, ok := policy["Statement"].(map[string]any); ok {
		statements = []any{one}
	}
	policy["Version"] = "2008-10-17"
	policy["Statement"] = append(statements, map[string]any{
		"Sid": retrievalPolicySid, "Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
		"Action": []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
		"Condition": map[string]any{"StringLike": map[string]any{
			"aws:sourceArn": arn(c.Region, "lambda", c.Region, c.Account, "function:*"),
		}},
	})
	text, err := json.Marshal(policy)
	if err != nil {
		return refusal
	}
	repo.policy = string(text)
	return nil
}

// readable tells whether the repository's policy allows Lambda to pull.
func (l *lambdaService) readable(repo *repository) bool {
	return permits(repo, l.srv, serviceMatcher("lambda.amazonaws.com"))
}

// permits tells whether the repository's policy lets a principal pull.
func permits(repo *repository, srv *Server, principal func(json.RawMessage) bool) bool {
	if repo.policy == "" {
		return false
	}
	policy, err := parsePolicy(repo.policy)
	if err != nil {
		return false
	}
	resource := srv.ecr.arn(repo.key.Account, repo.key.Region, repo.name)
	for _, action := range []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} {
		if policy.decide(permission{action, resource}, principal) != allowed {
			return false
		}
	}
	return true
}
