// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

type parameterFilter struct {
	Key    string   `json:"Key"`
	Option string   `json:"Option"`
	Values []string `json:"Values"`
}

type describeParametersInput struct {
	ParameterFilters []parameterFilter `json:"ParameterFilters"`
}

type parameterMetadata struct {
	ARN              string    `json:"ARN"`
	Name             string    `json:"Name"`
	Type             string    `json:"Type"`
	KeyID            string    `json:"KeyId,omitempty"`
	Description      string    `json:"Description,omitempty"`
	AllowedPattern   string    `json:"AllowedPattern,omitempty"`
	Version          int       `json:"Version"`
	Tier             string    `json:"Tier"`
	DataType         string    `json:"DataType"`
	LastModifiedDate epochTime `json:"LastModifiedDate"`
	LastModifiedUser string    `json:"LastModifiedUser"`
}

type describeParametersOutput struct {
	Parameters []parameterMetadata `json:"Parameters"`
}

// describeParameters knows the filter Name with Equals and BeginsWith.
func (m *ssmService) describeParameters(c *call, in *describeParametersInput) (*describeParametersOutput, error) {
	for _, filter := range in.ParameterFilters {
		if filter.Key != "Name" || filter.Option != "" && filter.Option != "Equals" && filter.Option != "BeginsWith" {
			return nil, clientError("InvalidFilterOption", "fakeaws knows no filter %s %s", filter.Key, filter.Option)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &describeParametersOutput{Parameters: []parameterMetadata{}}
	all := m.parameters[regionKey{c.Account, c.Region}]
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if p := all[name]; p.passes(in.ParameterFilters) {
			out.Parameters = append(out.Parameters, parameterMetadata{
				ARN: p.arn, Name: p.name, Type: p.kind, KeyID: p.key, Description: p.description, AllowedPattern: p.pattern,
				Version: len(p.values), Tier: p.tier, DataType: p.dataType, LastModifiedDate: epochTime{p.modified}, LastModifiedUser: p.modifiedBy,
			})
		}
	}
	return out, nil
}

func (p *parameter) passes(filters []parameterFilter) bool {
	for _, filter := range filters {
		if !slices.ContainsFunc(filter.Values, func(value string) bool {
			return value == p.name || filter.Option == "BeginsWith" && strings.HasPrefix(p.name, value)
		}) {
			return false
		}
	}
	return true
}

type parameterTagsInput struct {
	ResourceType string        `json:"ResourceType"`
	ResourceID   string        `json:"ResourceId"`
	Tags         []resourceTag `json:"Tags"`
	TagKeys      []string      `json:"TagKeys"`
}

type parameterTagsOutput struct {
	TagList []resourceTag `json:"TagList"`
}

func (m *ssmService) withTags(c *call, in *parameterTagsInput, f func(tags map[string]string)) (*parameterTagsOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, _, refusal := m.find(c, in.ResourceID)
	if in.ResourceType != "Parameter" || refusal != nil {
		return nil, clientError("InvalidResourceId", "")
	}
	f(p.tags)
	out := &parameterTagsOutput{TagList: []resourceTag{}}
	for _, key := range slices.Sorted(maps.Keys(p.tags)) {
		out.TagList = append(out.TagList, resourceTag{key, p.tags[key]})
	}
	return out, nil
}

func (m *ssmService) listTags(c *call, in *parameterTagsInput) (*parameterTagsOutput, error) {
	return m.withTags(c, in, func(map[string]string) {})
}

func (m *ssmService) addTags(c *call, in *parameterTagsInput) (*struct{}, error) {
	_, err := m.withTags(c, in, func(tags map[string]string) {
		for _, tag := range in.Tags {
			tags[tag.Key] = tag.Value
		}
	})
	return &struct{}{}, err
}

func (m *ssmService) removeTags(c *call, in *parameterTagsInput) (*struct{}, error) {
	_, err := m.withTags(c, in, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
	return &struct{}{}, err
}
