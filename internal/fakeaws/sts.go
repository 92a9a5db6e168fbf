// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// newSTS makes the Security Token Service. Source: STS API reference.
func newSTS(*Server) *service {
	return &service{
		name: serviceSTS, protocol: protocolQuery,
		version: "2011-06-15", xmlns: "https://sts.amazonaws.com/doc/2011-06-15/",
		operations: map[string]operation{
			// "No permissions are required to perform this operation."
			"GetCallerIdentity": {handle: queryHandler(getCallerIdentity), needs: func(*call) []permission { return nil }},
			"AssumeRole": {handle: queryHandler(assumeRole), needs: func(c *call) []permission {
				return []permission{{"sts:AssumeRole", c.Form.Get("RoleArn")}}
			}},
			"AssumeRoleWithWebIdentity": {handle: queryHandler(assumeRoleWithWebIdentity), anonymous: true},
		},
	}
}

func getCallerIdentity(c *call, _ url.Values) (any, error) {
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{c.Principal.ARN, c.Principal.UserID, c.Account}, nil
}

var (
	roleARNPattern     = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[^/]+/)*([\w+=,.@-]{1,64})$`)
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

func assumeRole(c *call, form url.Values) (any, error) {
	credentials, user, err := c.startSession(form, "sts:AssumeRole", c.Principal.ARN)
	if err != nil {
		return nil, err
	}
	return struct {
		Credentials     stsCredentials
		AssumedRoleUser assumedRoleUser
	}{credentials, user}, nil
}

func assumeRoleWithWebIdentity(c *call, form url.Values) (any, error) {
	token := form.Get("WebIdentityToken")
	if len(token) < 4 {
		return nil, clientError("ValidationError", "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4")
	}
	if !c.srv.webIdentity.accepts(token) {
		return nil, clientError("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	credentials, user, err := c.startSession(form, "sts:AssumeRoleWithWebIdentity", "")
	if err != nil {
		return nil, err
	}
	return struct {
		Credentials                                     stsCredentials
		AssumedRoleUser                                 assumedRoleUser
		SubjectFromWebIdentityToken, Audience, Provider string
	}{credentials, user, "fakeaws-subject", "aws.workload.identity", "app.terraform.io"}, nil
}

// startSession checks the role and issues temporary credentials for it.
func (c *call) startSession(form url.Values, action, caller string) (stsCredentials, assumedRoleUser, error) {
	role := form.Get("RoleArn")
	m := roleARNPattern.FindStringSubmatch(role)
	if m == nil {
		return stsCredentials{}, assumedRoleUser{}, clientError("ValidationError", "%s is invalid", role)
	}
	session := form.Get("RoleSessionName")
	if !sessionNamePattern.MatchString(session) {
		return stsCredentials{}, assumedRoleUser{}, clientError("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", session)
	}
	if c.srv.roles.denied(role) {
		text := "Not authorized to perform " + action
		if caller != "" {
			text = "User: " + caller + " is not authorized to perform: " + action + " on resource: " + role
		}
		return stsCredentials{}, assumedRoleUser{}, protocolQuery.accessDenied(text)
	}
	lifetime := time.Hour
	if seconds, err := strconv.Atoi(form.Get("DurationSeconds")); err == nil {
		lifetime = time.Duration(seconds) * time.Second
	}
	user := assumedRoleUser{
		AssumedRoleID: "AROA" + strings.ToUpper(randomHex(8)) + ":" + session,
		Arn:           "arn:" + m[1] + ":sts::" + m[2] + ":assumed-role/" + m[3] + "/" + session,
	}
	t := c.srv.issue(m[2], role, user.Arn, user.AssumedRoleID, lifetime)
	return stsCredentials{t.AccessKey, t.SecretKey, t.SessionToken, t.Expires.Format(time.RFC3339)}, user, nil
}
