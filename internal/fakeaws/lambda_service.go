// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// lambdaService is Lambda: functions of both package types, their versions and
// aliases, and event source mappings. It never runs anything. One lock guards
// all of it; ECR's, S3's and IAM's are taken below it, never the other way.
type lambdaService struct {
	srv *Server

	mu        sync.Mutex
	behaviour LambdaBehaviour
	functions map[regionKey]map[string]*function
	mappings  map[regionKey]map[string]*eventSourceMapping
}

// function is one Lambda function.
type function struct {
	key      regionKey
	name     string
	latest   *functionVersion
	versions []*functionVersion // published, oldest first
	aliases  map[string]*functionAlias
	urls     map[string]*functionURL // by qualifier, "" for none
	tags     map[string]string
	policy   []map[string]any // statements
	reserved *int32
	lag      int // so many next looks still see the last change under way
}

// newLambda makes Lambda. Source: Lambda API reference and service model.
func newLambda(s *Server) *service {
	l := &lambdaService{
		srv: s, functions: map[regionKey]map[string]*function{}, mappings: map[regionKey]map[string]*eventSourceMapping{},
	}
	s.lambda = l
	operations := map[string]operation{}
	for _, group := range []map[string]operation{
		l.functionOperations(), l.updateOperations(), l.versionOperations(), l.settingOperations(), l.mappingOperations(),
	} {
		for name, op := range group {
			if op.needs == nil {
				op.needs = l.needsFunction
			}
			operations[name] = op
		}
	}
	return &service{name: serviceLambda, protocol: protocolRESTJSON, identify: identifyLambda, operations: operations}
}

// lambdaRoute is one method and path of the API.
type lambdaRoute struct {
	method, operation string
	path              *regexp.Regexp
}

// lambdaRoutes is built once: "{}" stands for one escaped path segment.
// Source: service model, http traits.
var lambdaRoutes = func() []lambdaRoute {
	var routes []lambdaRoute
	for _, r := range []struct{ method, path, operation string }{
		{"POST", "/2015-03-31/functions", "CreateFunction"},
		{"GET", "/2015-03-31/functions", "ListFunctions"},
		{"GET", "/2015-03-31/functions/{}", "GetFunction"},
		{"DELETE", "/2015-03-31/functions/{}", "DeleteFunction"},
		{"GET", "/2015-03-31/functions/{}/configuration", "GetFunctionConfiguration"},
		{"PUT", "/2015-03-31/functions/{}/configuration", "UpdateFunctionConfiguration"},
		{"PUT", "/2015-03-31/functions/{}/code", "UpdateFunctionCode"},
		{"POST", "/2015-03-31/functions/{}/versions", "PublishVersion"},
		{"GET", "/2015-03-31/functions/{}/versions", "ListVersionsByFunction"},
		{"POST", "/2015-03-31/functions/{}/aliases", "CreateAlias"},
		{"GET", "/2015-03-31/functions/{}/aliases", "ListAliases"},
		{"GET", "/2015-03-31/functions/{}/aliases/{}", "GetAlias"},
		{"PUT", "/2015-03-31/functions/{}/aliases/{}", "UpdateAlias"},
		{"DELETE", "/2015-03-31/functions/{}/aliases/{}", "DeleteAlias"},
		{"GET", "/2015-03-31/functions/{}/policy", "GetPolicy"},
		{"POST", "/2015-03-31/functions/{}/policy", "AddPermission"},
		{"DELETE", "/2015-03-31/functions/{}/policy/{}", "RemovePermission"},
		{"POST", "/2015-03-31/functions/{}/invocations", "Invoke"},
		{"PUT", "/2017-10-31/functions/{}/concurrency", "PutFunctionConcurrency"},
		{"DELETE", "/2017-10-31/functions/{}/concurrency", "DeleteFunctionConcurrency"},
		{"GET", "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency"},
		{"GET", "/2020-06-30/functions/{}/code-signing-config", "GetFunctionCodeSigningConfig"},
		{"POST", "/2021-10-31/functions/{}/url", "CreateFunctionUrlConfig"},
		{"GET", "/2021-10-31/functions/{}/url", "GetFunctionUrlConfig"},
		{"PUT", "/2021-10-31/functions/{}/url", "UpdateFunctionUrlConfig"},
		{"DELETE", "/2021-10-31/functions/{}/url", "DeleteFunctionUrlConfig"},
		{"GET", "/2017-03-31/tags/{}", "ListTags"},
		{"POST", "/2017-03-31/tags/{}", "TagResource"},
		{"DELETE", "/2017-03-31/tags/{}", "UntagResource"},
		{"POST", "/2015-03-31/event-source-mappings", "CreateEventSourceMapping"},
		{"GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings"},
		{"GET", "/2015-03-31/event-source-mappings/{}", "GetEventSourceMapping"},
		{"PUT", "/2015-03-31/event-source-mappings/{}", "UpdateEventSourceMapping"},
		{"DELETE", "/2015-03-31/event-source-mappings/{}", "DeleteEventSourceMapping"},
	} {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(r.path), regexp.QuoteMeta("{}"), `([^/]+)`)
		routes = append(routes, lambdaRoute{r.method, r.operation, regexp.MustCompile("^" + pattern + "/?$")})
	}
	return routes
}()

func identifyLambda(r *http.Request) string {
	for _, route := range lambdaRoutes {
		if route.method == r.Method && route.path.MatchString(r.URL.EscapedPath()) {
			return route.operation
		}
	}
	return ""
}

// segments are the variable parts of the call's path, unescaped.
func segments(c *call) []string {
	for _, route := range lambdaRoutes {
		if route.operation != c.Operation {
			continue
		}
		match := route.path.FindStringSubmatch(c.Request.URL.EscapedPath())
		if match == nil {
			return nil
		}
		var out []string
		for _, raw := range match[1:] {
			part, err := url.PathUnescape(raw)
			if err != nil {
				part = raw
			}
			out = append(out, part)
		}
		return out
	}
	return nil
}

// userError is a refusal in Lambda's form, which names its Type.
func userError(status int, code, format string, args ...any) *apiError {
	err := statusError(status, code, format, args...)
	err.Fields = map[string]any{"Type": "User"}
	return err
}

func invalidValue(format string, args ...any) *apiError {
	return userError(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

func conflict(format string, args ...any) *apiError {
	return userError(http.StatusConflict, "ResourceConflictException", format, args...)
}

// notThere is Lambda's ResourceNotFoundException for a function.
func notThere(arn string) *apiError {
	return userError(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", arn)
}

func functionARN(key regionKey, name string) string {
	return arn(key.Region, "lambda", key.Region, key.Account, "function:"+name)
}

var functionNamePattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// functionRef is what a FunctionName parameter says: a name, a partial ARN or a
// whole one, each with an optional qualifier.
type functionRef struct {
	key             regionKey
	name, qualifier string
}

// parseFunctionName reads it. Source: API reference, FunctionName.
func parseFunctionName(c *call, given string) (functionRef, *apiError) {
	ref := functionRef{key: regionKey{c.Account, c.Region}}
	part := strings.Split(given, ":")
	if i := slices.Index(part, "function"); i >= 0 {
		if i >= 1 && part[i-1] != "" {
			ref.key.Account = part[i-1]
		}
		if i >= 2 {
			ref.key.Region = part[i-2]
		}
		part = part[i+1:]
	}
	if len(part) == 0 || len(part) > 2 || !functionNamePattern.MatchString(part[0]) {
		return ref, userError(http.StatusBadRequest, "ValidationException",
			`1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`, given)
	}
	ref.name = part[0]
	if len(part) == 2 {
		ref.qualifier = part[1]
	}
	return ref, nil
}

// find looks a function up by the call's path; l.mu must be held.
func (l *lambdaService) find(c *call) (*function, functionRef, *apiError) {
	return l.findNamed(c, segments(c)[0])
}

func (l *lambdaService) findNamed(c *call, given string) (*function, functionRef, *apiError) {
	ref, refusal := parseFunctionName(c, given)
	if refusal != nil {
		return nil, ref, refusal
	}
	if q := c.Request.URL.Query().Get("Qualifier"); q != "" {
		ref.qualifier = q
	}
	fn, ok := l.functions[ref.key][ref.name]
	if !ok || ref.key.Region != c.Region {
		name := ref.name
		if ref.qualifier != "" {
			name += ":" + ref.qualifier
		}
		return nil, ref, notThere(functionARN(ref.key, name))
	}
	return fn, ref, nil
}

// needsFunction is the permission of an operation on the function in its path or
// body, on all (*) where it names none.
func (l *lambdaService) needsFunction(c *call) []permission {
	action, resource := "lambda:"+c.Operation, "*"
	name := ""
	switch parts := segments(c); {
	case len(parts) > 0 && strings.Contains(c.Request.URL.Path, "/functions/"):
		name = parts[0]
	case c.Operation == "CreateFunction":
		var in struct{ FunctionName string }
		_ = c.decodeJSON(&in) // the handler reports bad input
		name = in.FunctionName
	case len(parts) > 0 && strings.Contains(c.Request.URL.Path, "/tags/"):
		resource = parts[0]
	}
	if ref, refusal := parseFunctionName(c, name); refusal == nil && name != "" {
		resource = functionARN(ref.key, ref.name)
	}
	return []permission{{action, resource}}
}
