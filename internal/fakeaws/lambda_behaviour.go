// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

// LambdaBehaviour holds what a test may choose about Lambda: how long it takes,
// and facts that sources leave open. The zero value is what is thought to be
// likeliest.
type LambdaBehaviour struct {
	// Lag is how many looks (GetFunction, GetFunctionConfiguration, refused
	// updates) still see a change under way before it is done: Pending after a
	// create, InProgress after an update. The zero value stands for 1, so that
	// whoever does not wait is found out; negative means done at once.
	Lag int
	// RoleLag is how many CreateFunction and UpdateFunctionConfiguration calls
	// are refused with "cannot be assumed by Lambda" after a role was created:
	// IAM is eventually consistent.
	RoleLag int
	// AnyRole accepts execution roles that IAM does not know. Otherwise a role
	// must exist and trust lambda.amazonaws.com, as with AWS.
	AnyRole bool
	// NoPolicyWrite leaves the repository's policy alone. Otherwise Lambda adds
	// its statement LambdaECRImageRetrievalPolicy when the caller may get and set
	// the policy (awsdocs/aws-lambda-developer-guide#286), and refuses when not.
	NoPolicyWrite bool
	// EmptyImageFails lets a function whose image has no layer become Failed
	// with InvalidImage; otherwise it becomes Active. Not documented.
	EmptyImageFails bool
	// UntaggedIsLatest takes an image URI without tag and digest for :latest;
	// otherwise it is not valid. Not documented.
	UntaggedIsLatest bool
	// TagAndDigest takes an image URI with both, going by the digest; otherwise
	// it is not valid. Not documented.
	TagAndDigest bool
}

// SetLambdaBehaviour changes the switches of a running server.
func (s *Server) SetLambdaBehaviour(b LambdaBehaviour) {
	s.lambda.mu.Lock()
	defer s.lambda.mu.Unlock()
	s.lambda.behaviour = b
}

// lag is the number of looks that a change takes; l.mu must be held.
func (l *lambdaService) lag() int {
	if l.behaviour.Lag == 0 {
		return 1
	}
	return max(l.behaviour.Lag, 0)
}
