// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"io"
	"net/http"
)

// registryAuthenticated checks the Basic password; when it is not good the
// request has been answered.
func (x *exchange) registryAuthenticated(w http.ResponseWriter) bool {
	user, _, basic := x.r.BasicAuth()
	switch {
	case !basic || user != tokenUser || x.token.password == "":
		// Seen in regclient/regclient#709 and in a capture of 2023.
		header := w.Header()
		header.Set("Www-Authenticate", `Basic realm="`+x.scheme()+"://"+x.r.Host+`/",service="ecr.amazonaws.com"`)
		header.Set("Content-Type", "text/plain; charset=utf-8")
		x.record.ErrorCode = "UNAUTHORIZED"
		_, _ = io.Copy(io.Discard, x.r.Body)
		w.WriteHeader(http.StatusUnauthorized)
		if x.r.Method != http.MethodHead {
			_, _ = io.WriteString(w, "Not Authorized\n")
		}
	case x.srv.clock.now().After(x.token.expires):
		x.registryError(w, http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	case x.token.region != x.record.Region:
		// Logging in to another region's registry is commonly reported to fail
		// with "400 Bad Request".
		x.registryError(w, http.StatusBadRequest, "DENIED", "The authorization token was issued for another region.")
	default:
		return true
	}
	return false
}

func (x *exchange) scheme() string {
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}

// registryAuthorised asks IAM; when it says no the request has been answered.
func (x *exchange) registryAuthorised(w http.ResponseWriter) bool {
	text, ok := x.mayDo(x.record.Operation, x.route.repository)
	if ok && x.record.Operation == "CompleteLayerUpload" && x.r.ContentLength > 0 {
		// The closing PUT may bring the last part with it.
		text, ok = x.mayDo("UploadLayerPart", x.route.repository)
	}
	if ok {
		return true
	}
	if x.srv.Behaviour().DropDenied {
		x.record.ErrorCode = "DENIED"
		x.drop()
	}
	x.registryError(w, http.StatusForbidden, "DENIED", "%s", text)
	return false
}

// mayDo asks IAM whether the password's owner may perform an ECR operation on
// a repository of the request's registry.
func (x *exchange) mayDo(operation, name string) (refusal string, ok bool) {
	resource := x.srv.ecr.arn(x.record.Account, x.record.Region, name)
	account, policy := x.srv.ecr.policyOfARN(resource)
	return x.srv.authorize(x.token.who, permission{"ecr:" + operation, resource}, account, policy)
}
