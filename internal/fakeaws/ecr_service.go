// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// ecrService is ECR: repositories, images and tokens, behind both the API and
// the registry. One lock guards all of it; no handler keeps it while it reads
// from or writes to a client.
type ecrService struct {
	srv *Server

	mu           sync.Mutex
	repositories map[regionKey]map[string]*repository
	tokens       map[string]*registryToken // by password
	presigned    map[string]string         // path of a blob download -> digest
	createLag    int
	blobLimit    int64

	// blobs keeps content by digest for all repositories; which repository has
	// which layer is the repository's to know.
	blobs registry.BlobHandler
}

// regionKey names one region of one account: the unit of ECR's state.
type regionKey struct{ Account, Region string }

// repository is one ECR repository.
type repository struct {
	key          regionKey
	name         string
	created      time.Time
	mutability   string
	filters      []exclusionFilter
	scanOnPush   bool
	encryption   json.RawMessage
	resourceTags map[string]string
	policy       string
	lifecycle    string
	lifecycleAt  time.Time

	images  map[string]*storedImage // by digest
	tags    map[string]string       // image tag -> digest
	layers  map[string]int64        // digest -> size
	uploads map[string]*upload
	lag     int // so many next look-ups do not see it yet
}

// storedImage is a manifest in a repository.
type storedImage struct {
	digest, mediaType string
	artifactType      string
	configMediaType   string
	manifest          []byte
	pushedAt          time.Time
	size              int64
	layers            []string // digests of config and layers
	children          []string // digests of an index's manifests
}

// newECR makes ECR. Source: ECR API reference and service model.
func newECR(s *Server) *service {
	e := &ecrService{
		srv: s, repositories: map[regionKey]map[string]*repository{},
		tokens: map[string]*registryToken{}, presigned: map[string]string{},
		createLag: s.createLag, blobLimit: s.blobLimit,
		blobs: registry.NewInMemoryBlobHandler(),
	}
	s.ecr = e
	operations := map[string]operation{}
	for _, group := range []map[string]operation{
		e.tokenOperations(), e.repositoryOperations(), e.settingOperations(), e.imageOperations(), e.deleteOperations(), e.putOperations(), e.uploadOperations(),
	} {
		for name, op := range group {
			if op.needs == nil {
				op.needs = e.needsRepository
			}
			operations[name] = op
		}
	}
	return &service{name: serviceECR, protocol: protocolJSON11, target: "AmazonEC2ContainerRegistry_V20150921", operations: operations}
}

// needsRepository is the permission of an operation on the repositories that
// its input names, on every repository (*) if it names none.
func (e *ecrService) needsRepository(c *call) []permission {
	var in struct {
		RegistryID      string   `json:"registryId"`
		RepositoryName  string   `json:"repositoryName"`
		RepositoryNames []string `json:"repositoryNames"`
		ResourceARN     string   `json:"resourceArn"`
	}
	_ = json.Unmarshal(c.Body, &in) // the handler reports bad input
	action := "ecr:" + c.Operation
	if in.ResourceARN != "" {
		return []permission{{action, in.ResourceARN}}
	}
	account := accountOr(in.RegistryID, c.Account)
	names := in.RepositoryNames
	if in.RepositoryName != "" {
		names = append(names, in.RepositoryName)
	}
	if len(names) == 0 {
		names = []string{"*"}
	}
	needs := make([]permission, 0, len(names))
	for _, name := range names {
		needs = append(needs, permission{action, e.arn(account, c.Region, name)})
	}
	return needs
}

func accountOr(registryID, account string) string {
	if registryID != "" {
		return registryID
	}
	return account
}

func (e *ecrService) arn(account, region, name string) string {
	return arn(region, "ecr", region, account, "repository/"+name)
}

// policyOfARN finds the account and the policy of the repository with an ARN;
// account is "" when there is no such repository, so that the caller learns that.
func (e *ecrService) policyOfARN(resource string) (account, policy string) {
	part := strings.SplitN(resource, ":", 6)
	if len(part) != 6 || part[2] != serviceECR {
		return "", ""
	}
	name, ok := strings.CutPrefix(part[5], "repository/")
	if !ok {
		return "", ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if repo, ok := e.repositories[regionKey{part[4], part[3]}][name]; ok {
		return part[4], repo.policy
	}
	return "", ""
}

// find looks a repository up; e.mu must be held. The message is the one seen
// in pulumi/pulumi-cloud#256; the registry uses it too.
func (e *ecrService) find(account, region, name string) (*repository, *apiError) {
	repo, ok := e.repositories[regionKey{account, region}][name]
	if ok && repo.lag > 0 {
		repo.lag--
		ok = false
	}
	if !ok {
		return nil, clientError("RepositoryNotFoundException",
			"The repository with name '%s' does not exist in the registry with id '%s'", name, account)
	}
	return repo, nil
}

// tagsOf returns the tags of an image in alphabetical order, nil if it has none.
func (r *repository) tagsOf(digest string) []string {
	var tags []string
	for tag, d := range r.tags {
		if d == digest {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// referrersOf returns the indexes that an image hangs in.
func (r *repository) referrersOf(digest string) []string {
	var parents []string
	for _, image := range r.images {
		if slices.Contains(image.children, digest) {
			parents = append(parents, image.digest)
		}
	}
	slices.Sort(parents)
	return parents
}

// isImmutable tells whether a tag, once set, stays. Source: ECR user guide,
// image tag mutability with exclusion filters.
func (r *repository) isImmutable(tag string) bool {
	excluded := slices.ContainsFunc(r.filters, func(f exclusionFilter) bool { return wildcard(f.Filter, tag) })
	switch r.mutability {
	case "IMMUTABLE":
		return true
	case "IMMUTABLE_WITH_EXCLUSION":
		return !excluded
	case "MUTABLE_WITH_EXCLUSION":
		return excluded
	}
	return false
}

// SetCreateLag makes the next n look-ups of every repository that is created
// from now on fail as if it did not exist yet: ECR's read-after-create lag
// (hashicorp/terraform-provider-aws#3849).
func (s *Server) SetCreateLag(n int) {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	s.ecr.createLag = n
}
