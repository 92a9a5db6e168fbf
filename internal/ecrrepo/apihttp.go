// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"io"
	"net/http"
)

const (
	// apiAnswerLimit bounds what is read of an answer of ECR's API, which the
	// SDK reads as a whole. The largest that is asked for with one reference is
	// a manifest of 4 MiB (ECR API reference, PutImage), which JSON can make
	// three times as long; for several at once the question is divided.
	apiAnswerLimit = 16 << 20
	// headerLimit bounds the header of any answer.
	headerLimit = 1 << 20
)

// apiClient is the HTTP client of ECR's API. It reads no more of an answer than
// its kind can have, and follows no redirect: ECR's API gives none, and the
// session token of temporary credentials is in a header that would go along.
type apiClient struct{ client http.Client }

func newAPIClient(transport *http.Transport) *apiClient {
	return &apiClient{http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do sends a request and returns the answer with a bounded body.
func (c *apiClient) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	limit := int64(apiAnswerLimit)
	if resp.StatusCode >= http.StatusMultipleChoices {
		limit = answerLimit
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{http.MaxBytesReader(nil, resp.Body, limit), resp.Body}
	return resp, nil
}
