// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// OpenIn is Open with a region for a URL that names none, that of an emulator;
// "" is the provider's.
func (c *Client) OpenIn(ctx context.Context, u RepositoryURL, region string) (*Repository, error) {
	if u.Region != "" {
		region = u.Region
	}
	shared, err := c.region(ctx, region)
	if err != nil {
		return nil, err
	}
	return &Repository{URL: u, client: c, region: shared}, nil
}

// Named returns the repository of that name in a region ("": the provider's)
// and an account ("": the one of the credentials). It makes no request to ECR,
// so that the URL has no host: see Locate.
func (c *Client) Named(ctx context.Context, name, region, registryID string) (*Repository, error) {
	shared, err := c.region(ctx, region)
	if err != nil {
		return nil, err
	}
	u := RepositoryURL{Name: name, RegistryID: registryID, Region: shared.region}
	return &Repository{URL: u, client: c, region: shared}, nil
}

// Locate completes the URL of a repository that was opened by its name. The
// host is the one that ECR gives (DescribeRepositories, repositoryUri), never
// one that is put together here. A registry is asked for it once, whichever of
// its repositories needs it first.
func (r *Repository) Locate(ctx context.Context) error {
	if r.URL.Host != "" {
		return nil
	}
	host, err := r.region.host(ctx, r.URL.RegistryID, func() (string, error) {
		u, err := r.describeURL(ctx)
		return u.Host, err
	})
	if err != nil {
		return err
	}
	u, err := ParseRepositoryURL(host + "/" + r.URL.Name)
	if err != nil {
		return r.errorf("ecr:DescribeRepositories", ErrUnexpectedAnswer, "%w", err)
	}
	r.URL = u
	return nil
}

func (r *Repository) describeURL(ctx context.Context) (RepositoryURL, error) {
	found, err := r.describeRepository(ctx)
	if err != nil {
		return RepositoryURL{}, err
	}
	u, err := ParseRepositoryURL(aws.ToString(found.RepositoryUri))
	if err != nil {
		return RepositoryURL{}, r.errorf("ecr:DescribeRepositories", ErrUnexpectedAnswer, "%w", err)
	}
	return u, nil
}

// host returns the host of a registry, which ask finds out. Those who need it
// at the same time wait for the first; one who fails leaves it to the next.
func (c *regionClient) host(ctx context.Context, registryID string, ask func() (string, error)) (string, error) {
	select {
	case c.hostsBusy <- struct{}{}:
		defer func() { <-c.hostsBusy }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if host, ok := c.hosts[registryID]; ok {
		return host, nil
	}
	host, err := ask()
	if err == nil {
		c.hosts[registryID] = host
	}
	return host, err
}

// IsSame reports whether a URL is that of this repository, in whichever form
// its host is written. The repository must have been located.
func (r *Repository) IsSame(u RepositoryURL) bool {
	return r.URL.Name == u.Name && r.URL.sameRegistry(u.Host)
}
