// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
)

// A call that was not made for want of credentials is told from one that ECR
// denied, although both carry the code AccessDenied.
func TestCredentialsFailInTheMiddle(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: sts:AssumeRole"}
	r := &Repository{URL: RepositoryURL{Host: "localhost", Name: "app"}}

	byECR := r.newError(t.Context(), "ecr:BatchGetImage", &smithy.OperationError{ServiceID: "ECR", OperationName: "BatchGetImage", Err: denied})
	if !errors.Is(byECR, ErrDenied) || errors.Is(byECR, ErrNoCredentials) {
		t.Errorf("ECR's refusal is %v", byECR)
	}
	bySTS := r.newError(t.Context(), "ecr:BatchGetImage", &smithy.OperationError{
		ServiceID: "ECR", OperationName: "BatchGetImage",
		Err: fmt.Errorf("get identity: get credentials: %w", &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: denied}),
	})
	if !errors.Is(bySTS, ErrNoCredentials) || errors.Is(bySTS, ErrDenied) {
		t.Errorf("the refusal of a role is %v", bySTS)
	}
}
