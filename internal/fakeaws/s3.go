// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import "net/http"

type s3Service struct{ srv *Server }

func newS3(s *Server) *service {
	s.s3 = &s3Service{srv: s}
	return &service{name: serviceS3, protocol: protocolRESTXML, identify: func(*http.Request) string { return "" }}
}

func (s *s3Service) fetch(bucket, key, version, region string) ([]byte, *apiError) {
	return nil, statusError(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}
