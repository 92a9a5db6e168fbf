// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// settingOperations are those beside code and configuration: tags, concurrency,
// the function's policy, its URL.
func (l *lambdaService) settingOperations() map[string]operation {
	return map[string]operation{
		"ListTags":                     {handle: l.listTags},
		"TagResource":                  {handle: jsonHandler(l.tagResource)},
		"UntagResource":                {handle: l.untagResource},
		"PutFunctionConcurrency":       {handle: jsonHandler(l.putConcurrency)},
		"DeleteFunctionConcurrency":    {handle: l.deleteConcurrency},
		"GetFunctionConcurrency":       {handle: l.getConcurrency},
		"GetFunctionCodeSigningConfig": {handle: l.getCodeSigningConfig},
		"GetPolicy":                    {handle: l.getPolicy},
		"AddPermission":                {handle: jsonHandler(l.addPermission)},
		"RemovePermission":             {handle: l.removePermission},
		"CreateFunctionUrlConfig":      {handle: jsonHandler(l.createURL)},
		"GetFunctionUrlConfig":         {handle: l.getURL},
		"UpdateFunctionUrlConfig":      {handle: jsonHandler(l.updateURL)},
		"DeleteFunctionUrlConfig":      {handle: l.deleteURL},
	}
}

// tagsOf finds the tags of the function or mapping whose ARN is in the path.
// l.mu must be held.
func (l *lambdaService) tagsOf(c *call) (map[string]string, *apiError) {
	resource := segments(c)[0]
	if _, id, ok := strings.Cut(resource, ":event-source-mapping:"); ok {
		if mapping := l.mappings[regionKey{c.Account, c.Region}][id]; mapping != nil {
			return mapping.tags, nil
		}
		return nil, userError(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	fn, _, refusal := l.findNamed(c, resource)
	if refusal != nil {
		return nil, refusal
	}
	return fn.tags, nil
}

type tagsBody struct {
	Tags map[string]string `json:"Tags"`
}

func (l *lambdaService) listTags(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tags, refusal := l.tagsOf(c)
	if refusal != nil {
		return nil, refusal
	}
	return tagsBody{maps.Clone(tags)}, nil
}

func (l *lambdaService) tagResource(c *call, in *tagsBody) (*reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tags, refusal := l.tagsOf(c)
	if refusal != nil {
		return nil, refusal
	}
	maps.Copy(tags, in.Tags)
	return &reply{Status: http.StatusNoContent}, nil
}

func (l *lambdaService) untagResource(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tags, refusal := l.tagsOf(c)
	if refusal != nil {
		return nil, refusal
	}
	for _, key := range c.Request.URL.Query()["tagKeys"] {
		delete(tags, key)
	}
	return &reply{Status: http.StatusNoContent}, nil
}

// with finds the function of the call and hands it over.
func (l *lambdaService) with(c *call, f func(*function, functionRef) (any, *apiError)) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, ref, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	out, refusal := f(fn, ref)
	if refusal != nil {
		return nil, refusal
	}
	return out, nil
}

func (l *lambdaService) putConcurrency(c *call, in *concurrency) (*concurrency, error) {
	_, err := l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		fn.reserved = &in.Reserved
		return nil, nil
	})
	return in, err
}

func (l *lambdaService) deleteConcurrency(c *call) (any, error) {
	return l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		fn.reserved = nil
		return &reply{Status: http.StatusNoContent}, nil
	})
}

func (l *lambdaService) getConcurrency(c *call) (any, error) {
	return l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		if fn.reserved == nil {
			return struct{}{}, nil
		}
		return concurrency{*fn.reserved}, nil
	})
}

func (l *lambdaService) getCodeSigningConfig(c *call) (any, error) {
	return l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		return map[string]string{"FunctionName": fn.name}, nil
	})
}

func (l *lambdaService) getPolicy(c *call) (any, error) {
	return l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		if len(fn.policy) == 0 {
			return nil, userError(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": fn.policy})
		if err != nil {
			return nil, statusError(http.StatusInternalServerError, "ServiceException", "%s", err)
		}
		return map[string]string{"Policy": string(text), "RevisionId": fn.latest.revision}, nil
	})
}

type addPermissionInput struct {
	StatementID         string `json:"StatementId"`
	Action              string `json:"Action"`
	Principal           string `json:"Principal"`
	SourceARN           string `json:"SourceArn"`
	SourceAccount       string `json:"SourceAccount"`
	FunctionURLAuthType string `json:"FunctionUrlAuthType"`
}

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func (l *lambdaService) addPermission(c *call, in *addPermissionInput) (*reply, error) {
	statement := map[string]any{"Sid": in.StatementID, "Effect": "Allow", "Action": in.Action}
	switch {
	case in.Principal == "*":
		statement["Principal"] = "*"
	case accountPattern.MatchString(in.Principal):
		statement["Principal"] = map[string]string{"AWS": arn(c.Region, "iam", "", in.Principal, "root")}
	case strings.HasPrefix(in.Principal, "arn:"):
		statement["Principal"] = map[string]string{"AWS": in.Principal}
	default:
		statement["Principal"] = map[string]string{"Service": in.Principal}
	}
	condition := map[string]any{}
	if in.SourceARN != "" {
		condition["ArnLike"] = map[string]string{"AWS:SourceArn": in.SourceARN}
	}
	if in.SourceAccount != "" {
		condition["StringEquals"] = map[string]string{"AWS:SourceAccount": in.SourceAccount}
	}
	if in.FunctionURLAuthType != "" {
		condition["StringEquals"] = map[string]string{"lambda:FunctionUrlAuthType": in.FunctionURLAuthType}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	_, err := l.with(c, func(fn *function, ref functionRef) (any, *apiError) {
		if slices.ContainsFunc(fn.policy, func(s map[string]any) bool { return s["Sid"] == in.StatementID }) {
			return nil, conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", in.StatementID)
		}
		statement["Resource"] = functionARN(fn.key, fn.name)
		if ref.qualifier != "" {
			statement["Resource"] = functionARN(fn.key, fn.name) + ":" + ref.qualifier
		}
		fn.policy = append(fn.policy, statement)
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(statement)
	return &reply{Status: http.StatusCreated, Body: map[string]string{"Statement": string(text)}}, err
}

func (l *lambdaService) removePermission(c *call) (any, error) {
	return l.with(c, func(fn *function, _ functionRef) (any, *apiError) {
		i := slices.IndexFunc(fn.policy, func(s map[string]any) bool { return s["Sid"] == segments(c)[1] })
		if i < 0 {
			return nil, userError(http.StatusNotFound, "ResourceNotFoundException", "Statement %s is not found in resource policy.", segments(c)[1])
		}
		fn.policy = slices.Delete(fn.policy, i, i+1)
		return &reply{Status: http.StatusNoContent}, nil
	})
}

// functionURL is a function's own HTTPS address.
type functionURL struct {
	FunctionURL      string          `json:"FunctionUrl"`
	FunctionARN      string          `json:"FunctionArn"`
	AuthType         string          `json:"AuthType"`
	InvokeMode       string          `json:"InvokeMode"`
	Cors             json.RawMessage `json:"Cors,omitempty"`
	CreationTime     string          `json:"CreationTime"`
	LastModifiedTime string          `json:"LastModifiedTime"`
}

type functionURLInput struct {
	AuthType   *string         `json:"AuthType"`
	InvokeMode *string         `json:"InvokeMode"`
	Cors       json.RawMessage `json:"Cors"`
}

func (l *lambdaService) createURL(c *call, in *functionURLInput) (*reply, error) {
	out, err := l.with(c, func(fn *function, ref functionRef) (any, *apiError) {
		if fn.urls[ref.qualifier] != nil {
			return nil, conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", functionARN(fn.key, fn.name))
		}
		now := timestamp(l.srv.clock.now())
		url := &functionURL{FunctionARN: functionARN(fn.key, fn.name), InvokeMode: "BUFFERED", CreationTime: now, LastModifiedTime: now, Cors: in.Cors}
		if ref.qualifier != "" {
			url.FunctionARN += ":" + ref.qualifier
		}
		take(&url.AuthType, in.AuthType)
		take(&url.InvokeMode, in.InvokeMode)
		id := strings.ReplaceAll(newRequestID(), "-", "")
		url.FunctionURL = "https://" + id + ".lambda-url." + c.Region + ".on.aws/"
		fn.urls[ref.qualifier] = url
		return *url, nil
	})
	return &reply{Status: http.StatusCreated, Body: out}, err
}

// url finds the URL of the call's function and qualifier.
func (fn *function) url(ref functionRef) (*functionURL, *apiError) {
	if url := fn.urls[ref.qualifier]; url != nil {
		return url, nil
	}
	return nil, userError(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func (l *lambdaService) getURL(c *call) (any, error) {
	return l.with(c, func(fn *function, ref functionRef) (any, *apiError) {
		url, refusal := fn.url(ref)
		if refusal != nil {
			return nil, refusal
		}
		return *url, nil
	})
}

func (l *lambdaService) updateURL(c *call, in *functionURLInput) (*functionURL, error) {
	out, err := l.with(c, func(fn *function, ref functionRef) (any, *apiError) {
		url, refusal := fn.url(ref)
		if refusal != nil {
			return nil, refusal
		}
		take(&url.AuthType, in.AuthType)
		take(&url.InvokeMode, in.InvokeMode)
		takeRaw(&url.Cors, in.Cors, "")
		url.LastModifiedTime = timestamp(l.srv.clock.now())
		copied := *url
		return &copied, nil
	})
	if err != nil {
		return nil, err
	}
	url, _ := out.(*functionURL)
	return url, nil
}

func (l *lambdaService) deleteURL(c *call) (any, error) {
	return l.with(c, func(fn *function, ref functionRef) (any, *apiError) {
		if _, refusal := fn.url(ref); refusal != nil {
			return nil, refusal
		}
		delete(fn.urls, ref.qualifier)
		return &reply{Status: http.StatusNoContent}, nil
	})
}
