// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// settingOperations are those on a repository's settings: mutability, scanning,
// policies, resource tags.
func (e *ecrService) settingOperations() map[string]operation {
	return map[string]operation{
		"PutImageTagMutability":         {handle: jsonHandler(e.putImageTagMutability)},
		"PutImageScanningConfiguration": {handle: jsonHandler(e.putImageScanningConfiguration)},
		"SetRepositoryPolicy":           {handle: jsonHandler(e.setRepositoryPolicy)},
		"GetRepositoryPolicy":           {handle: jsonHandler(e.getRepositoryPolicy)},
		"DeleteRepositoryPolicy":        {handle: jsonHandler(e.deleteRepositoryPolicy)},
		"PutLifecyclePolicy":            {handle: jsonHandler(e.putLifecyclePolicy)},
		"GetLifecyclePolicy":            {handle: jsonHandler(e.getLifecyclePolicy)},
		"DeleteLifecyclePolicy":         {handle: jsonHandler(e.deleteLifecyclePolicy)},
		"ListTagsForResource":           {handle: jsonHandler(e.listTagsForResource)},
		"TagResource":                   {handle: jsonHandler(e.tagResource)},
		"UntagResource":                 {handle: jsonHandler(e.untagResource)},
	}
}

// filterPattern is what an exclusion filter may be. Source: service model,
// ImageTagMutabilityExclusionFilterValue.
var filterPattern = regexp.MustCompile(`^[0-9a-zA-Z._*-]{1,128}$`)

func checkMutability(mutability string, filters []exclusionFilter) *apiError {
	const parameter = "imageTagMutability"
	switch mutability {
	case "", "MUTABLE", "IMMUTABLE":
		if len(filters) > 0 {
			return clientError("InvalidParameterException",
				"Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'exclusion filters need %s with exclusion'", parameter)
		}
		return nil
	case "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION":
	default:
		return clientError("InvalidParameterException",
			"Invalid parameter at '%s' failed to satisfy constraint: 'must be one of [MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]'", parameter)
	}
	if len(filters) == 0 || len(filters) > 5 {
		return clientError("InvalidParameterException",
			"Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'Member must have length between 1 and 5'")
	}
	for _, f := range filters {
		if f.FilterType != "WILDCARD" || !filterPattern.MatchString(f.Filter) {
			return clientError("InvalidParameterException",
				"Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}''")
		}
	}
	return nil
}

type putImageTagMutabilityInput struct {
	repositoryInput
	ImageTagMutability string            `json:"imageTagMutability"`
	ExclusionFilters   []exclusionFilter `json:"imageTagMutabilityExclusionFilters"`
}

type mutabilityOutput struct {
	RegistryID         string            `json:"registryId"`
	RepositoryName     string            `json:"repositoryName"`
	ImageTagMutability string            `json:"imageTagMutability"`
	ExclusionFilters   []exclusionFilter `json:"imageTagMutabilityExclusionFilters,omitempty"`
}

func (e *ecrService) putImageTagMutability(c *call, in *putImageTagMutabilityInput) (*mutabilityOutput, error) {
	if err := checkMutability(in.ImageTagMutability, in.ExclusionFilters); err != nil {
		return nil, err
	}
	return withRepository(e, c, in.repositoryInput, func(r *repository) (*mutabilityOutput, error) {
		r.mutability, r.filters = in.ImageTagMutability, in.ExclusionFilters
		return &mutabilityOutput{r.key.Account, r.name, r.mutability, r.filters}, nil
	})
}

// withRepository runs f on the repository that the input names, under the lock.
func withRepository[Out any](e *ecrService, c *call, in repositoryInput, f func(*repository) (*Out, error)) (*Out, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	repo, err := e.find(in.account(c), c.Region, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	return f(repo)
}

type putImageScanningConfigurationInput struct {
	repositoryInput
	ImageScanningConfiguration scanningConfiguration `json:"imageScanningConfiguration"`
}

type scanningOutput struct {
	RegistryID                 string                `json:"registryId"`
	RepositoryName             string                `json:"repositoryName"`
	ImageScanningConfiguration scanningConfiguration `json:"imageScanningConfiguration"`
}

func (e *ecrService) putImageScanningConfiguration(c *call, in *putImageScanningConfigurationInput) (*scanningOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(r *repository) (*scanningOutput, error) {
		r.scanOnPush = in.ImageScanningConfiguration.ScanOnPush
		return &scanningOutput{r.key.Account, r.name, scanningConfiguration{r.scanOnPush}}, nil
	})
}

type policyInput struct {
	repositoryInput
	PolicyText string `json:"policyText"`
}

type policyOutput struct {
	RegistryID     string `json:"registryId"`
	RepositoryName string `json:"repositoryName"`
	PolicyText     string `json:"policyText"`
}

func (e *ecrService) setRepositoryPolicy(c *call, in *policyInput) (*policyOutput, error) {
	if _, err := parsePolicy(in.PolicyText); err != nil {
		return nil, clientError("InvalidParameterException",
			"Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	return withRepository(e, c, in.repositoryInput, func(r *repository) (*policyOutput, error) {
		r.policy = in.PolicyText
		return &policyOutput{r.key.Account, r.name, r.policy}, nil
	})
}

func (e *ecrService) getRepositoryPolicy(c *call, in *repositoryInput) (*policyOutput, error) {
	return withRepository(e, c, *in, func(r *repository) (*policyOutput, error) {
		if r.policy == "" {
			return nil, clientError("RepositoryPolicyNotFoundException",
				"Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", r.name, r.key.Account)
		}
		return &policyOutput{r.key.Account, r.name, r.policy}, nil
	})
}

func (e *ecrService) deleteRepositoryPolicy(c *call, in *repositoryInput) (*policyOutput, error) {
	out, err := e.getRepositoryPolicy(c, in)
	if err != nil {
		return nil, err
	}
	return withRepository(e, c, *in, func(r *repository) (*policyOutput, error) {
		r.policy = ""
		return out, nil
	})
}

type lifecycleInput struct {
	repositoryInput
	LifecyclePolicyText string `json:"lifecyclePolicyText"`
}

type lifecycleOutput struct {
	RegistryID          string     `json:"registryId"`
	RepositoryName      string     `json:"repositoryName"`
	LifecyclePolicyText string     `json:"lifecyclePolicyText"`
	LastEvaluatedAt     *epochTime `json:"lastEvaluatedAt,omitempty"`
}

func (e *ecrService) putLifecyclePolicy(c *call, in *lifecycleInput) (*lifecycleOutput, error) {
	if !json.Valid([]byte(in.LifecyclePolicyText)) {
		return nil, clientError("InvalidParameterException",
			"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: not a JSON object'")
	}
	return withRepository(e, c, in.repositoryInput, func(r *repository) (*lifecycleOutput, error) {
		r.lifecycle, r.lifecycleAt = in.LifecyclePolicyText, e.srv.clock.now()
		return &lifecycleOutput{RegistryID: r.key.Account, RepositoryName: r.name, LifecyclePolicyText: r.lifecycle}, nil
	})
}

func (e *ecrService) getLifecyclePolicy(c *call, in *repositoryInput) (*lifecycleOutput, error) {
	return withRepository(e, c, *in, func(r *repository) (*lifecycleOutput, error) {
		if r.lifecycle == "" {
			return nil, clientError("LifecyclePolicyNotFoundException",
				"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", r.name, r.key.Account)
		}
		return &lifecycleOutput{r.key.Account, r.name, r.lifecycle, &epochTime{r.lifecycleAt}}, nil
	})
}

func (e *ecrService) deleteLifecyclePolicy(c *call, in *repositoryInput) (*lifecycleOutput, error) {
	out, err := e.getLifecyclePolicy(c, in)
	if err != nil {
		return nil, err
	}
	return withRepository(e, c, *in, func(r *repository) (*lifecycleOutput, error) {
		r.lifecycle = ""
		return out, nil
	})
}

type resourceInput struct {
	ResourceARN string        `json:"resourceArn"`
	Tags        []resourceTag `json:"tags"`
	TagKeys     []string      `json:"tagKeys"`
}

type tagsOutput struct {
	Tags []resourceTag `json:"tags"`
}

// byARN splits a repository's ARN into what names it; region counts for nothing
// beyond the endpoint's.
func byARN(resource string) (repositoryInput, *apiError) {
	part := strings.SplitN(resource, ":", 6)
	if len(part) == 6 && part[2] == serviceECR {
		if name, ok := strings.CutPrefix(part[5], "repository/"); ok {
			return repositoryInput{RegistryID: part[4], RepositoryName: name}, nil
		}
	}
	return repositoryInput{}, clientError("InvalidParameterException",
		"Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
}

func (e *ecrService) withTags(c *call, in *resourceInput, f func(*repository)) (*tagsOutput, error) {
	where, refusal := byARN(in.ResourceARN)
	if refusal != nil {
		return nil, refusal
	}
	return withRepository(e, c, where, func(r *repository) (*tagsOutput, error) {
		f(r)
		out := &tagsOutput{Tags: []resourceTag{}}
		for _, key := range slices.Sorted(maps.Keys(r.resourceTags)) {
			out.Tags = append(out.Tags, resourceTag{key, r.resourceTags[key]})
		}
		return out, nil
	})
}

func (e *ecrService) listTagsForResource(c *call, in *resourceInput) (*tagsOutput, error) {
	return e.withTags(c, in, func(*repository) {})
}

func (e *ecrService) tagResource(c *call, in *resourceInput) (*struct{}, error) {
	_, err := e.withTags(c, in, func(r *repository) {
		for _, tag := range in.Tags {
			r.resourceTags[tag.Key] = tag.Value
		}
	})
	return &struct{}{}, err
}

func (e *ecrService) untagResource(c *call, in *resourceInput) (*struct{}, error) {
	_, err := e.withTags(c, in, func(r *repository) {
		for _, key := range in.TagKeys {
			delete(r.resourceTags, key)
		}
	})
	return &struct{}{}, err
}
