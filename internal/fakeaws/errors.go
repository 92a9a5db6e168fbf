// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// apiError is a refusal in AWS's words, whatever the wire form.
type apiError struct {
	Status  int    // HTTP status; 400 where the service's protocol knows no other
	Code    string // e.g. RepositoryNotFoundException
	Message string
	Fields  map[string]any // further members of the JSON body, e.g. Lambda's "Type"
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// clientError is a refusal with status 400, as all JSON 1.1 services send it.
// Source: captured ECR errors (pulumi/pulumi-cloud#256).
func clientError(code, format string, args ...any) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// statusError is a refusal with a status of its own, as REST services send it.
func statusError(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// protocol is a wire form: how a result and an error are written.
type protocol int

const (
	protocolJSON11   protocol = iota // ECR, SSM: X-Amz-Target, errors by __type
	protocolRESTJSON                 // Lambda: paths, errors by X-Amzn-ErrorType
	protocolQuery                    // STS, IAM: form in, XML out
	protocolRESTXML                  // S3
)

// writeError answers with err in the protocol's form.
func (p protocol) writeError(w http.ResponseWriter, requestID, host, path string, err *apiError) {
	switch p {
	case protocolJSON11:
		// __type alone is enough for SDKs; X-Amzn-ErrorType is not confirmed for ECR.
		body := map[string]any{"__type": err.Code, "message": err.Message}
		for k, v := range err.Fields {
			body[k] = v
		}
		p.writeJSON(w, requestID, err.Status, body)
	case protocolRESTJSON:
		w.Header().Set("X-Amzn-Errortype", err.Code)
		body := map[string]any{"Message": err.Message}
		for k, v := range err.Fields {
			body[k] = v
		}
		p.writeJSON(w, requestID, err.Status, body)
	case protocolQuery:
		kind := "Sender"
		if err.Status >= 500 {
			kind = "Receiver"
		}
		type detail struct {
			Type    string
			Code    string
			Message string
		}
		p.writeXML(w, requestID, err.Status, struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     detail
			RequestID string `xml:"RequestId"`
		}{Error: detail{kind, err.Code, err.Message}, RequestID: requestID})
	case protocolRESTXML:
		p.writeXML(w, requestID, err.Status, struct {
			XMLName   xml.Name `xml:"Error"`
			Code      string
			Message   string
			Resource  string
			RequestID string `xml:"RequestId"`
			HostID    string `xml:"HostId"`
		}{Code: err.Code, Message: err.Message, Resource: path, RequestID: requestID, HostID: host})
	}
}

func (p protocol) writeJSON(w http.ResponseWriter, requestID string, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	contentType := "application/x-amz-json-1.1"
	if p == protocolRESTJSON {
		contentType = "application/json"
	}
	p.write(w, requestID, status, contentType, encoded)
}

func (p protocol) writeXML(w http.ResponseWriter, requestID string, status int, body any) {
	encoded, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	contentType := "text/xml"
	if p == protocolRESTXML {
		contentType = "application/xml"
	}
	p.write(w, requestID, status, contentType, append([]byte(xml.Header), encoded...))
}

func (p protocol) write(w http.ResponseWriter, requestID string, status int, contentType string, body []byte) {
	header := w.Header()
	if p == protocolRESTXML {
		header.Set("X-Amz-Request-Id", requestID)
	} else {
		header.Set("X-Amzn-Requestid", requestID)
	}
	if body != nil && header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	header.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; the record tells
}

// throttled is each protocol's "too many requests".
// Sources: "Rate exceeded" for ECR is seen in DIAGNijmegen/rse-grand-challenge
// and cdk-ecr-deployment; Lambda API reference, TooManyRequestsException; the
// common query errors; S3 error responses, SlowDown.
func (p protocol) throttled() *apiError {
	switch p {
	case protocolRESTJSON:
		return statusError(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	case protocolQuery:
		return clientError("Throttling", "Rate exceeded")
	case protocolRESTXML:
		return statusError(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	}
	return clientError("ThrottlingException", "Rate exceeded")
}

// failed is each protocol's internal error with the given status.
func (p protocol) failed(status int) *apiError {
	codes := map[protocol]string{
		protocolJSON11: "ServerException", protocolRESTJSON: "ServiceException",
		protocolQuery: "InternalFailure", protocolRESTXML: "InternalError",
	}
	code := codes[p]
	if status == http.StatusServiceUnavailable {
		code = strings.TrimSuffix("ServiceUnavailableException", map[bool]string{true: "Exception"}[p == protocolQuery || p == protocolRESTXML])
	}
	return statusError(status, code, "We encountered an internal error. Please try again.")
}
