// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

// newServices makes the signed APIs of a server. A new service is one line
// here and files of its own.
func newServices(s *Server) []*service {
	return []*service{
		newECR(s),
		newIAM(s),
		newLambda(s),
		newS3(s),
		newSQS(s),
		newSSM(s),
		newSTS(s),
	}
}
