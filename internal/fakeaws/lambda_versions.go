// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

func (l *lambdaService) versionOperations() map[string]operation {
	return map[string]operation{
		"PublishVersion":         {handle: jsonHandler(l.publishVersion)},
		"ListVersionsByFunction": {handle: l.listVersions},
		"CreateAlias":            {handle: jsonHandler(l.createAlias)},
		"UpdateAlias":            {handle: jsonHandler(l.updateAlias)},
		"GetAlias":               {handle: l.getAlias},
		"ListAliases":            {handle: l.listAliases},
		"DeleteAlias":            {handle: l.deleteAlias},
	}
}

// publish copies $LATEST to a new version, unless nothing changed since the last
// one. Source: API reference, PublishVersion.
func (fn *function) publish(description string) *functionVersion {
	number := 1
	if n := len(fn.versions); n > 0 {
		last := fn.versions[n-1]
		if fn.latest.sameAs(last) {
			return last
		}
		if previous, err := strconv.Atoi(last.number); err == nil {
			number = previous + 1
		}
	}
	v := fn.latest.copyAs(strconv.Itoa(number), description)
	fn.versions = append(fn.versions, v)
	return v
}

type publishVersionInput struct {
	CodeSha256  string `json:"CodeSha256"`
	Description string `json:"Description"`
	RevisionID  string `json:"RevisionId"`
}

func (l *lambdaService) publishVersion(c *call, in *publishVersionInput) (*reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := fn.busy(); refusal != nil {
		return nil, refusal
	}
	if refusal := fn.stale(in.RevisionID); refusal != nil {
		return nil, refusal
	}
	if in.CodeSha256 != "" && in.CodeSha256 != fn.latest.code.sha256 {
		return nil, invalidValue("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
			in.CodeSha256, fn.latest.code.sha256)
	}
	v := fn.publish(in.Description)
	return &reply{Status: http.StatusCreated, Body: fn.present(v, v.number)}, nil
}

// listVersions lists $LATEST and then the published ones, oldest first, all on
// one page. Source: seen by the hashicorp/aws provider, which takes the last.
func (l *lambdaService) listVersions(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	out := struct {
		Versions []configuration `json:"Versions"`
	}{}
	for _, v := range append([]*functionVersion{fn.latest}, fn.versions...) {
		out.Versions = append(out.Versions, fn.present(v, v.number))
	}
	return out, nil
}

// functionAlias is a name for a version.
type functionAlias struct{ name, version, description, revision string }

type aliasInput struct {
	Name            *string `json:"Name"`
	FunctionVersion *string `json:"FunctionVersion"`
	Description     *string `json:"Description"`
}

type aliasOutput struct {
	AliasARN        string `json:"AliasArn"`
	Name            string `json:"Name"`
	FunctionVersion string `json:"FunctionVersion"`
	Description     string `json:"Description"`
	RevisionID      string `json:"RevisionId"`
}

func (fn *function) presentAlias(a *functionAlias) aliasOutput {
	return aliasOutput{functionARN(fn.key, fn.name) + ":" + a.name, a.name, a.version, a.description, a.revision}
}

func (l *lambdaService) createAlias(c *call, in *aliasInput) (*reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	alias := &functionAlias{revision: newRequestID()}
	take(&alias.name, in.Name)
	take(&alias.version, in.FunctionVersion)
	take(&alias.description, in.Description)
	if !functionNamePattern.MatchString(alias.name) || alias.version == "" {
		return nil, userError(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%s' at 'name' failed to satisfy constraint", alias.name)
	}
	if _, taken := fn.aliases[alias.name]; taken {
		return nil, conflict("Alias already exists: %s", functionARN(fn.key, fn.name)+":"+alias.name)
	}
	if _, refusal := fn.version(alias.version); refusal != nil {
		return nil, refusal
	}
	fn.aliases[alias.name] = alias
	return &reply{Status: http.StatusCreated, Body: fn.presentAlias(alias)}, nil
}

// alias finds the alias in the call's path; l.mu must be held.
func (l *lambdaService) alias(c *call) (*function, *functionAlias, *apiError) {
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, nil, refusal
	}
	name := segments(c)[1]
	alias, ok := fn.aliases[name]
	if !ok {
		return nil, nil, userError(http.StatusNotFound, "ResourceNotFoundException", "Cannot find alias arn: %s", functionARN(fn.key, fn.name)+":"+name)
	}
	return fn, alias, nil
}

func (l *lambdaService) updateAlias(c *call, in *aliasInput) (*aliasOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, alias, refusal := l.alias(c)
	if refusal != nil {
		return nil, refusal
	}
	if in.FunctionVersion != nil {
		if _, refusal := fn.version(*in.FunctionVersion); refusal != nil {
			return nil, refusal
		}
	}
	take(&alias.version, in.FunctionVersion)
	take(&alias.description, in.Description)
	alias.revision = newRequestID()
	out := fn.presentAlias(alias)
	return &out, nil
}

func (l *lambdaService) getAlias(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, alias, refusal := l.alias(c)
	if refusal != nil {
		return nil, refusal
	}
	return fn.presentAlias(alias), nil
}

func (l *lambdaService) listAliases(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	out := struct {
		Aliases []aliasOutput `json:"Aliases"`
	}{[]aliasOutput{}}
	for _, name := range slices.Sorted(maps.Keys(fn.aliases)) {
		out.Aliases = append(out.Aliases, fn.presentAlias(fn.aliases[name]))
	}
	return out, nil
}

func (l *lambdaService) deleteAlias(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, alias, refusal := l.alias(c)
	if refusal != nil {
		return nil, refusal
	}
	delete(fn.aliases, alias.name)
	return &reply{Status: http.StatusNoContent}, nil
}
