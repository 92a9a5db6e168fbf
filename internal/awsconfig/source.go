// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Source hands out aws.Config values made from one provider block. It is safe
// for use by several goroutines.
type Source struct {
	settings Settings

	base    shared[loaded]
	account shared[string]

	mu      sync.Mutex
	regions map[string]aws.Config
}

// New remembers the settings. It does no I/O and looks for no credentials.
func New(s Settings) *Source {
	s.Unknown = slices.Clone(s.Unknown)
	s.Endpoints = maps.Clone(s.Endpoints)
	return &Source{settings: s, regions: map[string]aws.Config{}}
}

// Config returns the configuration for a region, or for the provider's own
// region when region is "". Every Config of one Source shares one cache of
// credentials and one HTTP client.
//
// The first call looks for credentials and, unless that is switched off, asks
// STS who they belong to. Callers that come meanwhile wait for its result; each
// can be cancelled without harm to the others. A success is kept, a failure is
// tried again by the next call.
//
// Errors are of type *Error, or *UnknownArgumentsError while arguments of the
// provider block have no values yet.
func (s *Source) Config(ctx context.Context, region string) (aws.Config, error) {
	if len(s.settings.Unknown) > 0 {
		return aws.Config{}, &UnknownArgumentsError{Arguments: slices.Clone(s.settings.Unknown)}
	}
	base, err := s.base.get(ctx, func(ctx context.Context) (loaded, error) {
		return s.load(ctx, region)
	})
	if err != nil {
		return aws.Config{}, err
	}
	if region == "" {
		if base.config.Region == "" {
			return aws.Config{}, newMissingRegionError(nil)
		}
		return base.config, nil
	}
	if region == base.config.Region {
		return base.config, nil
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	cfg, ok := s.regions[region]
	if !ok {
		cfg = base.config.Copy()
		cfg.Region = region
		s.regions[region] = cfg
	}
	return cfg, nil
}

// Region returns the provider's own region, which comes from its region
// argument, the environment or the shared config file.
func (s *Source) Region(ctx context.Context) (string, error) {
	cfg, err := s.Config(ctx, "")
	return cfg.Region, err
}

// AccountID returns the account that the credentials belong to. It asks STS at
// most once, and not at all if Config has done so already.
func (s *Source) AccountID(ctx context.Context) (string, error) {
	if _, err := s.Config(ctx, s.settings.STSRegion); err != nil {
		return "", err
	}
	base, err := s.base.get(ctx, nil)
	if err != nil || base.accountID != "" {
		return base.accountID, err
	}
	return s.account.get(ctx, func(ctx context.Context) (string, error) {
		id, err := s.callerAccount(ctx, base.config)
		return id, s.redacted(err)
	})
}

// Endpoint returns the URL that the provider's endpoints block gives for a
// service, or "". The environment's AWS_ENDPOINT_URL variables are not in it:
// the SDK's clients read those themselves, and they yield to this one.
func (s *Source) Endpoint(service string) string { return s.settings.Endpoints[service] }
