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

func (e *ecrService) repositoryOperations() map[string]operation {
	return map[string]operation{
		"CreateRepository":     {handle: jsonHandler(e.createRepository), needs: needsCreateRepository(e)},
		"DescribeRepositories": {handle: jsonHandler(e.describeRepositories)},
		"DeleteRepository":     {handle: jsonHandler(e.deleteRepository)},
	}
}

// repositoryNamePattern is ECR's. Source: service model, RepositoryName.
var repositoryNamePattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/)*[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)

func checkRepositoryName(name string) *apiError {
	if len(name) < 2 || len(name) > 256 || !repositoryNamePattern.MatchString(name) {
		return clientError("InvalidParameterException",
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '%s''", "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
	}
	return nil
}

type exclusionFilter struct {
	FilterType string `json:"filterType"`
	Filter     string `json:"filter"`
}

type resourceTag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

type scanningConfiguration struct {
	ScanOnPush bool `json:"scanOnPush"`
}

type createRepositoryInput struct {
	RegistryID                 string                `json:"registryId"`
	RepositoryName             string                `json:"repositoryName"`
	Tags                       []resourceTag         `json:"tags"`
	ImageTagMutability         string                `json:"imageTagMutability"`
	ExclusionFilters           []exclusionFilter     `json:"imageTagMutabilityExclusionFilters"`
	ImageScanningConfiguration scanningConfiguration `json:"imageScanningConfiguration"`
	EncryptionConfiguration    json.RawMessage       `json:"encryptionConfiguration"`
}

type repositoryDescription struct {
	RepositoryARN              string                `json:"repositoryArn"`
	RegistryID                 string                `json:"registryId"`
	RepositoryName             string                `json:"repositoryName"`
	RepositoryURI              string                `json:"repositoryUri"`
	CreatedAt                  epochTime             `json:"createdAt"`
	ImageTagMutability         string                `json:"imageTagMutability"`
	ExclusionFilters           []exclusionFilter     `json:"imageTagMutabilityExclusionFilters,omitempty"`
	ImageScanningConfiguration scanningConfiguration `json:"imageScanningConfiguration"`
	EncryptionConfiguration    json.RawMessage       `json:"encryptionConfiguration"`
}

type repositoryOutput struct {
	Repository repositoryDescription `json:"repository"`
}

func needsCreateRepository(e *ecrService) func(*call) []permission {
	return func(c *call) []permission {
		needs := e.needsRepository(c)
		var in createRepositoryInput
		if json.Unmarshal(c.Body, &in) == nil && len(in.Tags) > 0 {
			needs = append(needs, permission{"ecr:TagResource", e.arn(c.Account, c.Region, in.RepositoryName)})
		}
		return needs
	}
}

func (e *ecrService) createRepository(c *call, in *createRepositoryInput) (*repositoryOutput, error) {
	account := accountOr(in.RegistryID, c.Account)
	if err := checkRepositoryName(in.RepositoryName); err != nil {
		return nil, err
	}
	if err := checkMutability(in.ImageTagMutability, in.ExclusionFilters); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, exists := e.repositories[regionKey{account, c.Region}][in.RepositoryName]; exists {
		return nil, clientError("RepositoryAlreadyExistsException",
			"The repository with name '%s' already exists in the registry with id '%s'", in.RepositoryName, account)
	}
	repo := e.add(regionKey{account, c.Region}, in.RepositoryName)
	repo.mutability, repo.filters = in.ImageTagMutability, in.ExclusionFilters
	if repo.mutability == "" {
		repo.mutability = "MUTABLE"
	}
	repo.scanOnPush = in.ImageScanningConfiguration.ScanOnPush
	if len(in.EncryptionConfiguration) > 0 {
		repo.encryption = in.EncryptionConfiguration
	}
	for _, tag := range in.Tags {
		repo.resourceTags[tag.Key] = tag.Value
	}
	return &repositoryOutput{e.describe(repo)}, nil
}

// add makes an empty repository; e.mu must be held.
func (e *ecrService) add(key regionKey, name string) *repository {
	repo := &repository{
		key: key, name: name, created: e.srv.clock.now(), mutability: "MUTABLE",
		encryption: json.RawMessage(`{"encryptionType":"AES256"}`), resourceTags: map[string]string{},
		images: map[string]*storedImage{}, tags: map[string]string{}, layers: map[string]int64{}, uploads: map[string]*upload{},
		lag: e.createLag,
	}
	if e.repositories[key] == nil {
		e.repositories[key] = map[string]*repository{}
	}
	e.repositories[key][name] = repo
	return repo
}

func (e *ecrService) describe(r *repository) repositoryDescription {
	return repositoryDescription{
		RepositoryARN: e.arn(r.key.Account, r.key.Region, r.name), RegistryID: r.key.Account, RepositoryName: r.name,
		RepositoryURI: e.registryHost(r.key.Account, r.key.Region) + "/" + r.name, CreatedAt: epochTime{r.created},
		ImageTagMutability: r.mutability, ExclusionFilters: r.filters,
		ImageScanningConfiguration: scanningConfiguration{r.scanOnPush}, EncryptionConfiguration: r.encryption,
	}
}

type describeRepositoriesInput struct {
	RegistryID      string   `json:"registryId"`
	RepositoryNames []string `json:"repositoryNames"`
	pageInput
}

type describeRepositoriesOutput struct {
	Repositories []repositoryDescription `json:"repositories"`
	NextToken    string                  `json:"nextToken,omitempty"`
}

func (e *ecrService) describeRepositories(c *call, in *describeRepositoriesInput) (*describeRepositoriesOutput, error) {
	account := accountOr(in.RegistryID, c.Account)
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &describeRepositoriesOutput{Repositories: []repositoryDescription{}}
	if len(in.RepositoryNames) > 0 {
		if in.MaxResults != 0 || in.NextToken != "" {
			return nil, clientError("InvalidParameterException", "Invalid parameter: maxResults and nextToken cannot be specified together with repositoryNames")
		}
		for _, name := range in.RepositoryNames {
			repo, err := e.find(account, c.Region, name)
			if err != nil {
				return nil, err
			}
			out.Repositories = append(out.Repositories, e.describe(repo))
		}
		return out, nil
	}
	all := e.repositories[regionKey{account, c.Region}]
	names, next, err := paginate(slices.Sorted(maps.Keys(all)), in.pageInput)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		out.Repositories = append(out.Repositories, e.describe(all[name]))
	}
	out.NextToken = next
	return out, nil
}

type deleteRepositoryInput struct {
	repositoryInput
	Force bool `json:"force"`
}

func (e *ecrService) deleteRepository(c *call, in *deleteRepositoryInput) (*repositoryOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	repo, err := e.find(in.account(c), c.Region, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if len(repo.images) > 0 && !in.Force {
		return nil, clientError("RepositoryNotEmptyException",
			"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", repo.name, repo.key.Account)
	}
	delete(e.repositories[repo.key], repo.name)
	return &repositoryOutput{e.describe(repo)}, nil
}

// repositoryInput is what most operations name their repository by.
type repositoryInput struct {
	RegistryID     string `json:"registryId"`
	RepositoryName string `json:"repositoryName"`
}

func (in repositoryInput) account(c *call) string { return accountOr(in.RegistryID, c.Account) }

// pageInput asks for one page of a list.
type pageInput struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// paginate cuts a page out of sorted keys: those after the token's, at most
// MaxResults (100 if 0) of them. Tokens are opaque to clients.
func paginate(keys []string, in pageInput) (page []string, next string, err error) {
	if in.MaxResults < 0 || in.MaxResults > 1000 {
		return nil, "", clientError("InvalidParameterException",
			"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'")
	}
	size := 100
	if in.MaxResults > 0 {
		size = in.MaxResults
	}
	start := 0
	if in.NextToken != "" {
		last, ok := openToken(in.NextToken)
		if !ok {
			return nil, "", clientError("InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		}
		start, _ = slices.BinarySearch(keys, last)
		for start < len(keys) && strings.Compare(keys[start], last) <= 0 {
			start++
		}
	}
	end := min(start+size, len(keys))
	page = keys[start:end]
	if end < len(keys) {
		next = sealToken(keys[end-1])
	}
	return page, next, nil
}
