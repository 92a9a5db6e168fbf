// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// iamService is IAM, as far as an execution role needs it: roles, their trust,
// and the policies put on or attached to them. What roles may do is not
// evaluated from these; [Server.SetPolicy] says that.
type iamService struct {
	srv *Server

	mu    sync.Mutex
	roles map[string]map[string]*role // by account and name
}

type role struct {
	id, name, path, arn, description, boundary string
	trust                                      string
	maxSession                                 int
	created                                    time.Time
	tags                                       map[string]string
	inline                                     map[string]string
	attached                                   []string
}

// newIAM makes IAM. Source: IAM API reference.
func newIAM(s *Server) *service {
	i := &iamService{srv: s, roles: map[string]map[string]*role{}}
	s.iam = i
	operations := map[string]operation{
		"CreateRole":                  {handle: queryHandler(i.createRole)},
		"GetRole":                     {handle: queryHandler(i.getRole)},
		"DeleteRole":                  {handle: queryHandler(i.deleteRole)},
		"UpdateRole":                  {handle: queryHandler(i.updateRole)},
		"UpdateAssumeRolePolicy":      {handle: queryHandler(i.updateTrust)},
		"TagRole":                     {handle: queryHandler(i.tagRole)},
		"UntagRole":                   {handle: queryHandler(i.untagRole)},
		"ListRoleTags":                {handle: queryHandler(i.listRoleTags)},
		"PutRolePolicy":               {handle: queryHandler(i.putRolePolicy)},
		"GetRolePolicy":               {handle: queryHandler(i.getRolePolicy)},
		"DeleteRolePolicy":            {handle: queryHandler(i.deleteRolePolicy)},
		"ListRolePolicies":            {handle: queryHandler(i.listRolePolicies)},
		"AttachRolePolicy":            {handle: queryHandler(i.attachRolePolicy)},
		"DetachRolePolicy":            {handle: queryHandler(i.detachRolePolicy)},
		"ListAttachedRolePolicies":    {handle: queryHandler(i.listAttachedRolePolicies)},
		"ListInstanceProfilesForRole": {handle: queryHandler(i.listInstanceProfiles)},
	}
	for name, op := range operations {
		op.needs = func(c *call) []permission {
			path := c.Form.Get("Path")
			if path == "" {
				path = "/"
			}
			return []permission{{"iam:" + c.Operation, arn(c.Region, "iam", "", c.Account, "role"+path+c.Form.Get("RoleName"))}}
		}
		operations[name] = op
	}
	return &service{
		name: serviceIAM, protocol: protocolQuery, version: "2010-05-08", xmlns: "https://iam.amazonaws.com/doc/2010-05-08/",
		operations: operations,
	}
}

type xmlTag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type xmlBoundary struct {
	Type string `xml:"PermissionsBoundaryType"`
	ARN  string `xml:"PermissionsBoundaryArn"`
}

type xmlRole struct {
	XMLName            xml.Name     `xml:"Role"`
	Path               string       `xml:"Path"`
	RoleName           string       `xml:"RoleName"`
	RoleID             string       `xml:"RoleId"`
	ARN                string       `xml:"Arn"`
	CreateDate         string       `xml:"CreateDate"`
	AssumeRolePolicy   string       `xml:"AssumeRolePolicyDocument"`
	Description        string       `xml:"Description,omitempty"`
	MaxSessionDuration int          `xml:"MaxSessionDuration"`
	Boundary           *xmlBoundary `xml:"PermissionsBoundary,omitempty"`
	Tags               []xmlTag     `xml:"Tags>member"`
}

type xmlRoleResult struct{ Role xmlRole }

func (r *role) present() xmlRoleResult {
	out := xmlRole{
		Path: r.path, RoleName: r.name, RoleID: r.id, ARN: r.arn, CreateDate: r.created.UTC().Format(time.RFC3339),
		// IAM URL-encodes documents. Source: API reference, Role.
		AssumeRolePolicy: url.QueryEscape(r.trust), Description: r.description, MaxSessionDuration: r.maxSession, Tags: r.xmlTags(),
	}
	// QueryEscape writes a space as +, which RFC 3986 does not know.
	out.AssumeRolePolicy = strings.ReplaceAll(out.AssumeRolePolicy, "+", "%20")
	if r.boundary != "" {
		out.Boundary = &xmlBoundary{"Policy", r.boundary}
	}
	return xmlRoleResult{out}
}

func (r *role) xmlTags() []xmlTag {
	var out []xmlTag
	for _, key := range slices.Sorted(maps.Keys(r.tags)) {
		out = append(out, xmlTag{key, r.tags[key]})
	}
	return out
}

// with finds the role of the form and hands it over, locked.
func (i *iamService) with(c *call, form url.Values, f func(*role) (any, error)) (any, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	r, ok := i.roles[c.Account][form.Get("RoleName")]
	if !ok {
		return nil, statusError(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", form.Get("RoleName"))
	}
	return f(r)
}

var roleNamePattern = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

func checkPolicyDocument(document string) error {
	if !json.Valid([]byte(document)) {
		return clientError("MalformedPolicyDocument", "This policy contains invalid Json")
	}
	if _, err := parsePolicy(document); err != nil {
		return clientError("MalformedPolicyDocument", "Syntax errors in policy. (%s)", err)
	}
	return nil
}

func (i *iamService) createRole(c *call, form url.Values) (any, error) {
	name := form.Get("RoleName")
	if !roleNamePattern.MatchString(name) {
		return nil, clientError("ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	}
	if err := checkPolicyDocument(form.Get("AssumeRolePolicyDocument")); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, exists := i.roles[c.Account][name]; exists {
		return nil, statusError(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	r := i.add(c.Account, c.Region, name, form.Get("Path"), form.Get("AssumeRolePolicyDocument"))
	r.description, r.boundary = form.Get("Description"), form.Get("PermissionsBoundary")
	if n, err := strconv.Atoi(form.Get("MaxSessionDuration")); err == nil {
		r.maxSession = n
	}
	maps.Copy(r.tags, formTags(form))
	return r.present(), nil
}

// add makes a role; i.mu must be held.
func (i *iamService) add(account, region, name, path, trust string) *role {
	if path == "" {
		path = "/"
	}
	r := &role{
		id: "AROA" + strings.ToUpper(strings.ReplaceAll(newRequestID(), "-", ""))[:17], name: name, path: path,
		arn: arn(region, "iam", "", account, "role"+path+name), trust: trust, maxSession: 3600,
		created: i.srv.clock.now(), tags: map[string]string{}, inline: map[string]string{},
	}
	if i.roles[account] == nil {
		i.roles[account] = map[string]*role{}
	}
	i.roles[account][name] = r
	return r
}

// formTags reads Tags.member.N.Key and .Value.
func formTags(form url.Values) map[string]string {
	out := map[string]string{}
	for n := 1; form.Has("Tags.member." + strconv.Itoa(n) + ".Key"); n++ {
		prefix := "Tags.member." + strconv.Itoa(n)
		out[form.Get(prefix+".Key")] = form.Get(prefix + ".Value")
	}
	return out
}

func (i *iamService) getRole(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) { return r.present(), nil })
}

func (i *iamService) deleteRole(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		switch {
		case len(r.attached) > 0:
			return nil, statusError(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		case len(r.inline) > 0:
			return nil, statusError(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
		}
		delete(i.roles[c.Account], r.name)
		return nil, nil
	})
}

func (i *iamService) updateRole(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		if form.Has("Description") {
			r.description = form.Get("Description")
		}
		if n, err := strconv.Atoi(form.Get("MaxSessionDuration")); err == nil {
			r.maxSession = n
		}
		return nil, nil
	})
}

func (i *iamService) updateTrust(c *call, form url.Values) (any, error) {
	if err := checkPolicyDocument(form.Get("PolicyDocument")); err != nil {
		return nil, err
	}
	return i.with(c, form, func(r *role) (any, error) {
		r.trust = form.Get("PolicyDocument")
		return nil, nil
	})
}

func (i *iamService) tagRole(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		maps.Copy(r.tags, formTags(form))
		return nil, nil
	})
}

func (i *iamService) untagRole(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		for n := 1; form.Has("TagKeys.member." + strconv.Itoa(n)); n++ {
			delete(r.tags, form.Get("TagKeys.member."+strconv.Itoa(n)))
		}
		return nil, nil
	})
}

func (i *iamService) listRoleTags(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		return struct {
			Tags        []xmlTag `xml:"Tags>member"`
			IsTruncated bool     `xml:"IsTruncated"`
		}{r.xmlTags(), false}, nil
	})
}

func (i *iamService) putRolePolicy(c *call, form url.Values) (any, error) {
	if err := checkPolicyDocument(form.Get("PolicyDocument")); err != nil {
		return nil, err
	}
	return i.with(c, form, func(r *role) (any, error) {
		r.inline[form.Get("PolicyName")] = form.Get("PolicyDocument")
		return nil, nil
	})
}

func noRolePolicy(name string) *apiError {
	return statusError(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
}

func (i *iamService) getRolePolicy(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		document, ok := r.inline[form.Get("PolicyName")]
		if !ok {
			return nil, noRolePolicy(form.Get("PolicyName"))
		}
		return struct {
			RoleName       string `xml:"RoleName"`
			PolicyName     string `xml:"PolicyName"`
			PolicyDocument string `xml:"PolicyDocument"`
		}{r.name, form.Get("PolicyName"), strings.ReplaceAll(url.QueryEscape(document), "+", "%20")}, nil
	})
}

func (i *iamService) deleteRolePolicy(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		if _, ok := r.inline[form.Get("PolicyName")]; !ok {
			return nil, noRolePolicy(form.Get("PolicyName"))
		}
		delete(r.inline, form.Get("PolicyName"))
		return nil, nil
	})
}

func (i *iamService) listRolePolicies(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(r *role) (any, error) {
		return struct {
			Names       []string `xml:"PolicyNames>member"`
			IsTruncated bool     `xml:"IsTruncated"`
		}{slices.Sorted(maps.Keys(r.inline)), false}, nil
	})
}

func (i *iamService) attachRolePolicy(c *call, form url.Values) (any, error) {
	policy := form.Get("PolicyArn")
	if !strings.HasPrefix(policy, "arn:") || !strings.Contains(policy, ":policy/") {
		return nil, clientError("ValidationError", "ARN %s is not valid.", policy)
	}
	return i.with(c, form, func(r *role) (any, error) {
		if !slices.Contains(r.attached, policy) {
			r.attached = append(r.attached, policy)
		}
		return nil, nil
	})
}

func (i *iamService) detachRolePolicy(c *call, form url.Values) (any, error) {
	policy := form.Get("PolicyArn")
	return i.with(c, form, func(r *role) (any, error) {
		at := slices.Index(r.attached, policy)
		if at < 0 {
			return nil, statusError(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", policy)
		}
		r.attached = slices.Delete(r.attached, at, at+1)
		return nil, nil
	})
}

func (i *iamService) listAttachedRolePolicies(c *call, form url.Values) (any, error) {
	type attached struct {
		Name string `xml:"PolicyName"`
		ARN  string `xml:"PolicyArn"`
	}
	return i.with(c, form, func(r *role) (any, error) {
		var out []attached
		for _, policy := range r.attached {
			out = append(out, attached{policy[strings.LastIndex(policy, "/")+1:], policy})
		}
		return struct {
			Policies    []attached `xml:"AttachedPolicies>member"`
			IsTruncated bool       `xml:"IsTruncated"`
		}{out, false}, nil
	})
}

func (i *iamService) listInstanceProfiles(c *call, form url.Values) (any, error) {
	return i.with(c, form, func(*role) (any, error) {
		return struct {
			Profiles    struct{} `xml:"InstanceProfiles"`
			IsTruncated bool     `xml:"IsTruncated"`
		}{}, nil
	})
}

// trusts tells whether a role exists and lets a service assume it.
func (i *iamService) trusts(roleARN, service string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	part := strings.SplitN(roleARN, ":", 6)
	if len(part) != 6 {
		return false
	}
	r, ok := i.roles[part[4]][roleARN[strings.LastIndex(roleARN, "/")+1:]]
	if !ok || r.arn != roleARN {
		return false
	}
	trust, err := parsePolicy(r.trust)
	return err == nil && trust.decide(permission{"sts:AssumeRole", ""}, serviceMatcher(service)) == allowed
}

// lambdaTrust lets Lambda assume a role.
const lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// AddExecutionRole makes a role of the default account that Lambda may assume,
// and returns its ARN. An existing role of that name is replaced.
func (s *Server) AddExecutionRole(name string) (roleARN string) {
	s.iam.mu.Lock()
	defer s.iam.mu.Unlock()
	return s.iam.add(s.account, s.region, name, "/", lambdaTrust).arn
}
