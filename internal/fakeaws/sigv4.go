// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"regexp"
	"strings"
)

// signature is what a SigV4 Authorization header (or presigned query) claims.
// The signature itself is not recomputed: secrets are the client's business.
type signature struct {
	AccessKey, Date, Region, Service string
	SignedHeaders                    []string
}

const sigV4Scheme = "AWS4-HMAC-SHA256"

var (
	credentialScope = regexp.MustCompile(`^([A-Z0-9]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request$`)
	hexSignature    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// parseSignature reads the request's SigV4 claim. found is false when there is
// none at all; ok is false when there is one that AWS could not read.
func parseSignature(r *http.Request) (sig signature, found, ok bool) {
	header := r.Header.Get("Authorization")
	if !strings.HasPrefix(header, sigV4Scheme) {
		if query := r.URL.Query(); query.Get("X-Amz-Algorithm") == sigV4Scheme {
			sig, ok = makeSignature(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"))
			return sig, true, ok
		}
		return signature{}, false, false
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(header, sigV4Scheme), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	if r.Header.Get("X-Amz-Date") == "" && r.Header.Get("Date") == "" {
		return signature{}, true, false
	}
	sig, ok = makeSignature(fields["Credential"], fields["SignedHeaders"], fields["Signature"])
	return sig, true, ok
}

func makeSignature(credential, signedHeaders, hex string) (signature, bool) {
	m := credentialScope.FindStringSubmatch(credential)
	if m == nil || !hexSignature.MatchString(hex) {
		return signature{}, false
	}
	sig := signature{AccessKey: m[1], Date: m[2], Region: m[3], Service: m[4], SignedHeaders: strings.Split(signedHeaders, ";")}
	for _, name := range sig.SignedHeaders {
		if name == "host" {
			return sig, true
		}
	}
	return sig, false
}

// checkSignature refuses a call that is not signed for the service and the
// region of the endpoint (any region where the endpoint names none), in the
// words that AWS uses. Source: IAM user guide, "Troubleshoot Signature Version
// 4 signed requests", and the common errors of the services.
func (p protocol) checkSignature(r *http.Request, service, region string) (signature, *apiError) {
	sig, found, ok := parseSignature(r)
	switch {
	case !found && p == protocolRESTXML:
		return sig, statusError(http.StatusForbidden, "AccessDenied", "Access Denied")
	case !found && p == protocolQuery:
		return sig, statusError(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case !found:
		return sig, statusError(p.authStatus(), "MissingAuthenticationTokenException", "Missing Authentication Token")
	case !ok && p == protocolQuery:
		return sig, clientError("IncompleteSignature", "Authorization header requires 'Credential', 'SignedHeaders', 'Signature' and a date.")
	case !ok:
		return sig, clientError("IncompleteSignatureException", "Authorization header requires 'Credential', 'SignedHeaders', 'Signature' and a date.")
	case sig.Service != service:
		return sig, p.badScope("Credential should be scoped to correct service: '%s'. ", service)
	case region != "" && sig.Region != region:
		return sig, p.badScope("Credential should be scoped to a valid region, not '%s'. ", sig.Region)
	}
	return sig, nil
}

func (p protocol) badScope(format, arg string) *apiError {
	switch p {
	case protocolQuery:
		return statusError(http.StatusForbidden, "SignatureDoesNotMatch", format, arg)
	case protocolRESTXML:
		return statusError(http.StatusBadRequest, "AuthorizationHeaderMalformed", format, arg)
	}
	return statusError(p.authStatus(), "InvalidSignatureException", format, arg)
}

// authStatus is the status of authentication failures: JSON 1.1 services say
// 400, the others 403.
func (p protocol) authStatus() int {
	if p == protocolJSON11 {
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

// unknownKey and expiredKey are the refusals of an access key.
func (p protocol) unknownKey() *apiError {
	switch p {
	case protocolQuery:
		return statusError(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case protocolRESTXML:
		return statusError(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	}
	return statusError(p.authStatus(), "UnrecognizedClientException", "The security token included in the request is invalid.")
}

func (p protocol) expiredKey() *apiError {
	switch p {
	case protocolQuery:
		return statusError(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	case protocolRESTXML:
		return statusError(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
	}
	return statusError(p.authStatus(), "ExpiredTokenException", "The security token included in the request is expired")
}

// accessDenied is IAM's refusal; the message names action and resource.
func (p protocol) accessDenied(message string) *apiError {
	switch p {
	case protocolQuery, protocolRESTXML:
		return statusError(http.StatusForbidden, "AccessDenied", "%s", message)
	}
	return statusError(p.authStatus(), "AccessDeniedException", "%s", message)
}
