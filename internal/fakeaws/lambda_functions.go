// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"regexp"
	"slices"
)

func (l *lambdaService) functionOperations() map[string]operation {
	return map[string]operation{
		"CreateFunction":           {handle: jsonHandler(l.createFunction), needs: l.needsCreate},
		"GetFunction":              {handle: l.getFunction},
		"GetFunctionConfiguration": {handle: l.getFunctionConfiguration},
		"ListFunctions":            {handle: l.listFunctions},
		"DeleteFunction":           {handle: l.deleteFunction},
	}
}

// needsCreate adds iam:PassRole on the execution role.
func (l *lambdaService) needsCreate(c *call) []permission {
	needs := l.needsFunction(c)
	var in struct{ Role string }
	if c.decodeJSON(&in) == nil && in.Role != "" {
		needs = append(needs, permission{"iam:PassRole", in.Role})
	}
	return needs
}

// codeInput is where code comes from, in CreateFunction and UpdateFunctionCode.
type codeInput struct {
	ImageURI        string `json:"ImageUri"`
	ZipFile         []byte `json:"ZipFile"` // base64 on the wire
	S3Bucket        string `json:"S3Bucket"`
	S3Key           string `json:"S3Key"`
	S3ObjectVersion string `json:"S3ObjectVersion"`
}

type createFunctionInput struct {
	settingsInput
	FunctionName  string            `json:"FunctionName"`
	PackageType   string            `json:"PackageType"`
	Code          codeInput         `json:"Code"`
	Architectures []string          `json:"Architectures"`
	Publish       bool              `json:"Publish"`
	Tags          map[string]string `json:"Tags"`
}

var rolePattern = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

func (l *lambdaService) createFunction(c *call, in *createFunctionInput) (*reply, error) {
	ref, refusal := parseFunctionName(c, in.FunctionName)
	if refusal != nil {
		return nil, refusal
	}
	if in.Role == nil {
		in.Role = new(string)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if refusal := l.checkRole(*in.Role); refusal != nil {
		return nil, refusal
	}
	if in.PackageType == "" {
		in.PackageType = "Zip"
	}
	if refusal := checkPackage(in); refusal != nil {
		return nil, refusal
	}
	if _, exists := l.functions[ref.key][ref.name]; exists {
		return nil, conflict("Function already exist: %s", ref.name)
	}
	code, failure, refusal := l.fetchCode(c, in.PackageType, in.Code)
	if refusal != nil {
		return nil, refusal
	}
	if code.architectures = in.Architectures; len(code.architectures) == 0 {
		code.architectures = []string{"x86_64"}
	}
	v := &functionVersion{number: "$LATEST", code: code, config: functionSettings{Timeout: 3, MemorySize: 128}}
	in.apply(v, ref.name)
	fn := &function{
		key: ref.key, name: ref.name, latest: v, aliases: map[string]*functionAlias{}, urls: map[string]*functionURL{},
		tags: maps.Clone(in.Tags),
	}
	if fn.tags == nil {
		fn.tags = map[string]string{}
	}
	l.touch(v)
	v.state, v.reasonCode, v.reason = "Pending", "Creating", "The function is being created."
	v.after = failure
	fn.lag = l.lag()
	if l.functions[ref.key] == nil {
		l.functions[ref.key] = map[string]*function{}
	}
	l.functions[ref.key][ref.name] = fn
	if fn.lag == 0 {
		fn.settle()
	}
	out := fn.present(v, "")
	if in.Publish {
		out = fn.present(fn.publish(""), "")
		out.FunctionARN = functionARN(fn.key, fn.name) + ":" + out.Version
	}
	return &reply{Status: http.StatusCreated, Body: out}, nil
}

// touch gives $LATEST a new revision and date.
func (l *lambdaService) touch(v *functionVersion) {
	v.revision, v.modified = newRequestID(), l.srv.clock.now()
}

// checkRole refuses a role that Lambda cannot assume. l.mu must be held.
func (l *lambdaService) checkRole(role string) *apiError {
	if !rolePattern.MatchString(role) {
		return userError(http.StatusBadRequest, "ValidationException",
			`1 validation error detected: Value '%s' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`, role)
	}
	if l.behaviour.AnyRole {
		return nil
	}
	assumable := l.srv.iam.trusts(role, "lambda.amazonaws.com")
	if assumable && l.behaviour.RoleLag > 0 {
		l.behaviour.RoleLag--
		assumable = false
	}
	if !assumable {
		return invalidValue("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

// checkPackage sees that settings and code fit the package type. The words are
// from memory.
func checkPackage(in *createFunctionInput) *apiError {
	image := in.PackageType == "Image"
	switch {
	case !image && in.PackageType != "Zip":
		return userError(http.StatusBadRequest, "ValidationException",
			"1 validation error detected: Value '%s' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]", in.PackageType)
	case image && in.Code.ImageURI == "":
		return invalidValue("Please provide ImageUri when creating a function with packageType Image.")
	case image && (in.Handler != nil && *in.Handler != "" || in.Runtime != nil && *in.Runtime != ""):
		return invalidValue("Please don't provide Handler or Runtime when the intended function PackageType is Image.")
	case !image && in.Code.ImageURI != "":
		return invalidValue("Please don't provide ImageUri when creating a function with packageType Zip.")
	case !image && (in.Handler == nil || *in.Handler == "" || in.Runtime == nil || *in.Runtime == ""):
		return invalidValue("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case len(in.Architectures) > 1:
		return userError(http.StatusBadRequest, "ValidationException",
			"1 validation error detected: Value '%s' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1", in.Architectures)
	}
	return nil
}

// fetchCode gets the code from where the caller says it is. l.mu must be held.
func (l *lambdaService) fetchCode(c *call, packageType string, in codeInput) (functionCode, *asyncFailure, *apiError) {
	if packageType == "Image" {
		return l.resolveImage(c, in.ImageURI)
	}
	content := in.ZipFile
	if in.S3Bucket != "" {
		object, refusal := l.srv.s3.fetch(in.S3Bucket, in.S3Key, in.S3ObjectVersion, c.Region)
		if refusal != nil {
			what := "GetObject"
			if in.S3ObjectVersion != "" {
				what = "GetObjectVersion"
			}
			// Seen in hashicorp/terraform-provider-aws#2540 and #43568.
			return functionCode{}, nil, invalidValue("Error occurred while %s. S3 Error Code: %s. S3 Error Message: %s", what, refusal.Code, refusal.Message)
		}
		content = object
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return functionCode{}, nil, invalidValue("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(archive.File) == 0 {
		return functionCode{}, nil, invalidValue("Uploaded file must be a non-empty zip")
	}
	sum := sha256.Sum256(content)
	return functionCode{
		packageType: "Zip", zip: bytes.Clone(content), size: int64(len(content)),
		sha256: base64.StdEncoding.EncodeToString(sum[:]),
	}, nil, nil
}

type codeLocation struct {
	RepositoryType   string `json:"RepositoryType"`
	ImageURI         string `json:"ImageUri,omitempty"`
	ResolvedImageURI string `json:"ResolvedImageUri,omitempty"`
	Location         string `json:"Location,omitempty"`
}

type concurrency struct {
	Reserved int32 `json:"ReservedConcurrentExecutions"`
}

type getFunctionOutput struct {
	Configuration configuration     `json:"Configuration"`
	Code          codeLocation      `json:"Code"`
	Tags          map[string]string `json:"Tags,omitempty"`
	Concurrency   *concurrency      `json:"Concurrency,omitempty"`
}

func (l *lambdaService) getFunction(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, v, qualifier, refusal := l.lookAt(c)
	if refusal != nil {
		return nil, refusal
	}
	out := &getFunctionOutput{Configuration: fn.present(v, qualifier), Code: v.code.location(fn)}
	if len(fn.tags) > 0 {
		out.Tags = maps.Clone(fn.tags)
	}
	if fn.reserved != nil && qualifier == "" {
		out.Concurrency = &concurrency{*fn.reserved}
	}
	return out, nil
}

func (code functionCode) location(fn *function) codeLocation {
	if code.packageType == "Image" {
		return codeLocation{
			RepositoryType: "ECR", ImageURI: code.imageURI,
			ResolvedImageURI: code.repository.host + "/" + code.repository.name + "@" + code.digest,
		}
	}
	return codeLocation{RepositoryType: "S3", Location: "https://awslambda-" + fn.key.Region + "-tasks.s3." + fn.key.Region +
		".amazonaws.com/snapshots/" + fn.key.Account + "/" + fn.name}
}

func (l *lambdaService) getFunctionConfiguration(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, v, qualifier, refusal := l.lookAt(c)
	if refusal != nil {
		return nil, refusal
	}
	return fn.present(v, qualifier), nil
}

// lookAt finds the version that the call names; every look brings a change that
// is under way nearer to its end. l.mu must be held.
func (l *lambdaService) lookAt(c *call) (*function, *functionVersion, string, *apiError) {
	fn, ref, refusal := l.find(c)
	if refusal != nil {
		return nil, nil, "", refusal
	}
	v, refusal := fn.version(ref.qualifier)
	if refusal != nil {
		return nil, nil, "", refusal
	}
	fn.look()
	return fn, v, ref.qualifier, nil
}

func (l *lambdaService) listFunctions(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := struct {
		Functions []configuration `json:"Functions"`
	}{[]configuration{}}
	all := l.functions[regionKey{c.Account, c.Region}]
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out.Functions = append(out.Functions, all[name].present(all[name].latest, ""))
	}
	return out, nil
}

func (l *lambdaService) deleteFunction(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, ref, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	if ref.qualifier != "" && ref.qualifier != "$LATEST" {
		i := slices.IndexFunc(fn.versions, func(v *functionVersion) bool { return v.number == ref.qualifier })
		if i < 0 {
			return nil, notThere(functionARN(fn.key, fn.name) + ":" + ref.qualifier)
		}
		fn.versions = slices.Delete(fn.versions, i, i+1)
		return &reply{Status: http.StatusNoContent}, nil
	}
	if ref.qualifier == "$LATEST" {
		return nil, invalidValue("$LATEST version cannot be deleted without deleting the function.")
	}
	delete(l.functions[fn.key], fn.name)
	return &reply{Status: http.StatusNoContent}, nil
}
