// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Repository is one ECR repository. It may not exist.
type Repository struct {
	// URL is the repository's URL; its host is what image URIs are made of.
	URL RepositoryURL

	client *Client
	region *regionClient
}

// Region is the repository's region: the one that the URL names, else the
// provider's.
func (r *Repository) Region() string { return r.region.region }

// RegistryID is the account that the repository belongs to: the one that the
// URL names, else the provider's.
func (r *Repository) RegistryID(ctx context.Context) (string, error) {
	if r.URL.IsECR() {
		return r.URL.RegistryID, nil
	}
	return r.client.configuration.AccountID(ctx)
}

// registryID is what the API's requests name as the registry; nil lets ECR
// take the caller's own.
func (r *Repository) registryID() *string {
	if !r.URL.IsECR() {
		return nil
	}
	return &r.URL.RegistryID
}

// Mutability is a repository's rule about moving tags.
type Mutability struct {
	// Mode is ECR's word: MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION,
	// MUTABLE_WITH_EXCLUSION, or one that this version does not know.
	Mode string
	// Exclusions are patterns in which "*" stands for any characters.
	Exclusions []string
}

// Immutable tells whether a tag cannot be moved; known is false for a mode
// that this version does not know.
func (m Mutability) Immutable(tag string) (immutable, known bool) {
	excluded := false
	for _, pattern := range m.Exclusions {
		// A tag has no slash and a filter no other wildcard (ECR API
		// reference, ImageTagMutabilityExclusionFilter), so path.Match agrees.
		if match, err := path.Match(pattern, tag); err == nil && match {
			excluded = true
		}
	}
	switch types.ImageTagMutability(m.Mode) {
	case types.ImageTagMutabilityMutable:
		return false, true
	case types.ImageTagMutabilityImmutable:
		return true, true
	case types.ImageTagMutabilityImmutableWithExclusion:
		return !excluded, true
	case types.ImageTagMutabilityMutableWithExclusion:
		return excluded, true
	}
	return false, false
}

// Mutability asks for the repository's rule about moving tags. A repository
// that ECR does not know is waited for shortly, as by PutIfAbsent.
func (r *Repository) Mutability(ctx context.Context) (Mutability, error) {
	var found types.Repository
	err := r.region.policy.settle(ctx, func() (err error) {
		found, err = r.describeRepository(ctx)
		return err
	})
	if err != nil {
		return Mutability{}, err
	}
	m := Mutability{Mode: string(found.ImageTagMutability)}
	for _, filter := range found.ImageTagMutabilityExclusionFilters {
		m.Exclusions = append(m.Exclusions, aws.ToString(filter.Filter))
	}
	return m, nil
}

// describeRepository asks what ECR knows of the repository itself.
func (r *Repository) describeRepository(ctx context.Context) (types.Repository, error) {
	const action = "ecr:DescribeRepositories"
	out, err := r.region.api.describeRepositories(ctx, &ecr.DescribeRepositoriesInput{
		RegistryId:      r.registryID(),
		RepositoryNames: []string{r.URL.Name},
	})
	if err != nil {
		return types.Repository{}, r.newError(ctx, action, err)
	}
	if len(out.Repositories) != 1 {
		return types.Repository{}, r.errorf(action, ErrUnexpectedAnswer, "%d repositories of one name", len(out.Repositories))
	}
	return out.Repositories[0], nil
}

// transport returns the way to the repository's registry, after making sure
// that it is the one that ECR names. The password is for that registry only.
func (r *Repository) transport(ctx context.Context, absent bool) (*registryTransport, error) {
	tokens := r.region.tokenSource("")
	tok, err := tokens.get(ctx)
	if err == nil && r.URL.IsECR() && !r.URL.sameRegistry(tok.endpoint.Host) {
		// Another account's registry: have ECR name it.
		tokens = r.region.tokenSource(r.URL.RegistryID)
		tok, err = tokens.get(ctx)
	}
	if err != nil {
		return nil, r.newError(ctx, "ecr:GetAuthorizationToken", err)
	}
	if !r.URL.sameRegistry(tok.endpoint.Host) {
		return nil, r.errorf("ecr:GetAuthorizationToken", ErrRegistryHost,
			"the repository URL is on the host %s, but ECR in region %s named the registry %s",
			r.URL.Host, r.region.region, tok.endpoint.Host)
	}
	scheme, base := "https", r.region.http
	if tok.endpoint.Scheme == "http" {
		if !isLoopback(r.URL.Host) {
			return nil, r.errorf("ecr:GetAuthorizationToken", ErrRegistryHost,
				"ECR named the registry %s with plain HTTP, which is accepted for this machine (loopback) only", tok.endpoint.Host)
		}
		scheme, base = "http", r.region.loopback
	}
	return &registryTransport{
		base:   base,
		host:   r.pushHost(),
		scheme: scheme,
		tokens: tokens,
		absent: absent,
	}, nil
}

// pushHost is the host that is pushed to: the URL's own, or its FIPS form when
// the provider is told to use FIPS endpoints. URIs that are handed out keep
// the standard form, since Lambda refuses the other.
func (r *Repository) pushHost() string {
	if !r.URL.IsECR() || r.region.api.endpoints.UseFIPSEndpoint != aws.FIPSEndpointStateEnabled {
		return r.URL.Host
	}
	dualStack := r.region.api.endpoints.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled
	return r.URL.hostForm(true, dualStack || r.URL.DualStack)
}
