// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ssmService is Parameter Store.
type ssmService struct {
	srv *Server

	mu         sync.Mutex
	parameters map[regionKey]map[string]*parameter
	kmsDenied  bool
}

type parameter struct {
	name, arn, kind, description, pattern, dataType, tier, key string
	values                                                     []string // by version, first is 1
	modified                                                   time.Time
	modifiedBy                                                 string
	tags                                                       map[string]string
}

// defaultKey is the key of SecureStrings that name no other; everyone of the
// account may use it through SSM. Source: Parameter Store user guide.
const defaultKey = "alias/aws/ssm"

// newSSM makes Parameter Store. Source: SSM API reference.
func newSSM(s *Server) *service {
	m := &ssmService{srv: s, parameters: map[regionKey]map[string]*parameter{}}
	s.ssm = m
	return &service{name: serviceSSM, protocol: protocolJSON11, target: "AmazonSSM", operations: map[string]operation{
		"PutParameter":           {handle: jsonHandler(m.putParameter), needs: m.needsParameter},
		"GetParameter":           {handle: jsonHandler(m.getParameter), needs: m.needsParameter},
		"GetParameters":          {handle: jsonHandler(m.getParameters), needs: m.needsParameter},
		"DeleteParameter":        {handle: jsonHandler(m.deleteParameter), needs: m.needsParameter},
		"DescribeParameters":     {handle: jsonHandler(m.describeParameters)},
		"ListTagsForResource":    {handle: jsonHandler(m.listTags), needs: m.needsParameter},
		"AddTagsToResource":      {handle: jsonHandler(m.addTags), needs: m.needsParameter},
		"RemoveTagsFromResource": {handle: jsonHandler(m.removeTags), needs: m.needsParameter},
	}}
}

// SetKMSDenied makes every decryption and encryption of a SecureString fail, as
// a key policy that forbids it does.
func (s *Server) SetKMSDenied(denied bool) {
	s.ssm.mu.Lock()
	defer s.ssm.mu.Unlock()
	s.ssm.kmsDenied = denied
}

// needsParameter is the permission of an operation on the parameters it names.
func (m *ssmService) needsParameter(c *call) []permission {
	var in struct {
		Name       string   `json:"Name"`
		Names      []string `json:"Names"`
		ResourceID string   `json:"ResourceId"`
	}
	_ = c.decodeJSON(&in) // the handler reports bad input
	var needs []permission
	for _, name := range append(in.Names, in.Name, in.ResourceID) {
		if name == "" {
			continue
		}
		resource := name
		if !strings.HasPrefix(name, "arn:") {
			resource = parameterARN(regionKey{c.Account, c.Region}, plainName(name))
		}
		needs = append(needs, permission{"ssm:" + c.Operation, resource})
	}
	return needs
}

func parameterARN(key regionKey, name string) string {
	return arn(key.Region, "ssm", key.Region, key.Account, "parameter/"+strings.TrimPrefix(name, "/"))
}

// plainName cuts a version or label (name:3) off.
func plainName(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name
}

// ssmNotFound is ParameterNotFound; SSM sends it without words.
// Source: API reference, GetParameter; seen in aws-cli output.
func ssmNotFound() *apiError { return clientError("ParameterNotFound", "") }

func validation(format string, args ...any) *apiError {
	return clientError("ValidationException", format, args...)
}

// find looks a parameter up by name, name:version or ARN, and tells which
// version is meant; m.mu must be held.
func (m *ssmService) find(c *call, name string) (p *parameter, version int, refusal *apiError) {
	key := regionKey{c.Account, c.Region}
	if strings.HasPrefix(name, "arn:") {
		for _, p := range m.parameters[key] {
			if p.arn == name {
				return p, len(p.values), nil
			}
		}
		return nil, 0, ssmNotFound()
	}
	plain, selector, selected := strings.Cut(name, ":")
	p, ok := m.parameters[key][plain]
	if !ok {
		return nil, 0, ssmNotFound()
	}
	version = len(p.values)
	if selected {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > len(p.values) {
			return nil, 0, clientError("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", selector, plain)
		}
		version = n
	}
	return p, version, nil
}

type putParameterInput struct {
	Name           string        `json:"Name"`
	Type           string        `json:"Type"`
	Value          string        `json:"Value"`
	Description    *string       `json:"Description"`
	KeyID          string        `json:"KeyId"`
	Overwrite      bool          `json:"Overwrite"`
	AllowedPattern *string       `json:"AllowedPattern"`
	DataType       string        `json:"DataType"`
	Tier           string        `json:"Tier"`
	Tags           []resourceTag `json:"Tags"`
}

type putParameterOutput struct {
	Version int    `json:"Version"`
	Tier    string `json:"Tier"`
}

var parameterNamePattern = regexp.MustCompile(`^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$`)

// check refuses what SSM refuses of any PutParameter.
func (in *putParameterInput) check() *apiError {
	switch {
	case !parameterNamePattern.MatchString(in.Name):
		return validation("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case in.Value == "":
		return validation("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case len(in.Value) > 4096 && in.Tier != "Advanced" && in.Tier != "Intelligent-Tiering":
		return validation("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case in.Overwrite && len(in.Tags) > 0:
		return validation("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	return nil
}

func (m *ssmService) putParameter(c *call, in *putParameterInput) (*putParameterOutput, error) {
	if refusal := in.check(); refusal != nil {
		return nil, refusal
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := regionKey{c.Account, c.Region}
	p, exists := m.parameters[key][in.Name]
	switch {
	case exists && !in.Overwrite:
		return nil, clientError("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case !exists && in.Type == "":
		return nil, validation("A parameter type is required when you create a parameter.")
	case !exists:
		p = &parameter{name: in.Name, arn: parameterARN(key, in.Name), dataType: "text", tier: "Standard", tags: map[string]string{}}
	}
	next := *p
	next.modified, next.modifiedBy = m.srv.clock.now(), c.Principal.ARN
	if in.Type != "" {
		next.kind = in.Type
	}
	if next.kind == "SecureString" {
		next.key = defaultKey
		if in.KeyID != "" {
			next.key = in.KeyID
		}
		if refusal := m.mayUseKey(c, &next, "kms:Encrypt"); refusal != nil {
			return nil, refusal
		}
	} else {
		next.key = ""
	}
	take(&next.description, in.Description)
	take(&next.pattern, in.AllowedPattern)
	if in.DataType != "" {
		next.dataType = in.DataType
	}
	if in.Tier == "Standard" || in.Tier == "Advanced" {
		next.tier = in.Tier
	}
	if next.pattern != "" {
		if pattern, err := regexp.Compile(next.pattern); err != nil || !pattern.MatchString(in.Value) {
			return nil, clientError("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", next.pattern)
		}
	}
	next.values = append(slices.Clone(p.values), in.Value)
	for _, tag := range in.Tags {
		next.tags[tag.Key] = tag.Value
	}
	if m.parameters[key] == nil {
		m.parameters[key] = map[string]*parameter{}
	}
	m.parameters[key][in.Name] = &next
	return &putParameterOutput{len(next.values), next.tier}, nil
}

// mayUseKey asks KMS. The account's default key is open to everyone who may use
// the parameter; another needs a permission of its own. m.mu must be held.
func (m *ssmService) mayUseKey(c *call, p *parameter, action string) *apiError {
	keyARN := p.key
	if !strings.HasPrefix(keyARN, "arn:") {
		keyARN = arn(c.Region, "kms", c.Region, c.Account, strings.TrimPrefix("key/"+p.key, "key/alias/aws/ssm"))
		if p.key == defaultKey {
			keyARN += "alias/aws/ssm"
		}
	}
	text, ok := "User: "+c.Principal.ARN+" is not authorized to perform: "+action+" on resource: "+keyARN+" with an explicit deny in a resource-based policy", !m.kmsDenied
	if ok && p.key != defaultKey {
		text, ok = m.srv.authorize(c.Principal, permission{action, keyARN}, "", "")
	}
	if !ok {
		return clientError("AccessDeniedException", "%s (Service: Kms, Status Code: 400, Request ID: %s)", text, c.RequestID)
	}
	return nil
}

type getParameterInput struct {
	Name           string `json:"Name"`
	WithDecryption bool   `json:"WithDecryption"`
}

type parameterOutput struct {
	ARN              string    `json:"ARN"`
	Name             string    `json:"Name"`
	Type             string    `json:"Type"`
	Value            string    `json:"Value"`
	Version          int       `json:"Version"`
	Selector         string    `json:"Selector,omitempty"`
	DataType         string    `json:"DataType"`
	LastModifiedDate epochTime `json:"LastModifiedDate"`
}

type getParameterOutput struct {
	Parameter parameterOutput `json:"Parameter"`
}

func (m *ssmService) getParameter(c *call, in *getParameterInput) (*getParameterOutput, error) {
	if in.Name == "" {
		return nil, validation("1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out, refusal := m.read(c, in.Name, in.WithDecryption)
	if refusal != nil {
		return nil, refusal
	}
	return &getParameterOutput{*out}, nil
}

// read returns one parameter; m.mu must be held.
func (m *ssmService) read(c *call, name string, decrypt bool) (*parameterOutput, *apiError) {
	p, version, refusal := m.find(c, name)
	if refusal != nil {
		return nil, refusal
	}
	value := p.values[version-1]
	if p.kind == "SecureString" {
		if !decrypt {
			value = base64.StdEncoding.EncodeToString([]byte("ciphertext of " + p.name))
		} else if refusal := m.mayUseKey(c, p, "kms:Decrypt"); refusal != nil {
			return nil, refusal
		}
	}
	out := &parameterOutput{
		ARN: p.arn, Name: p.name, Type: p.kind, Value: value, Version: version, DataType: p.dataType, LastModifiedDate: epochTime{p.modified},
	}
	if plain, selector, ok := strings.Cut(name, ":"); ok && plain == p.name {
		out.Selector = ":" + selector
	}
	return out, nil
}

type getParametersInput struct {
	Names          []string `json:"Names"`
	WithDecryption bool     `json:"WithDecryption"`
}

type getParametersOutput struct {
	Parameters        []parameterOutput `json:"Parameters"`
	InvalidParameters []string          `json:"InvalidParameters"`
}

func (m *ssmService) getParameters(c *call, in *getParametersInput) (*getParametersOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &getParametersOutput{Parameters: []parameterOutput{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		p, refusal := m.read(c, name, in.WithDecryption)
		switch {
		case refusal == nil:
			out.Parameters = append(out.Parameters, *p)
		case refusal.Code == "AccessDeniedException":
			return nil, refusal
		default:
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

func (m *ssmService) deleteParameter(c *call, in *getParameterInput) (*struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, _, refusal := m.find(c, in.Name)
	if refusal != nil {
		return nil, refusal
	}
	delete(m.parameters[regionKey{c.Account, c.Region}], p.name)
	return &struct{}{}, nil
}
