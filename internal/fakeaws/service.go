// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// service is one signed AWS API.
type service struct {
	name     string   // SigV4 name, one of the service constants
	protocol protocol // wire form of results and errors
	target   string   // X-Amz-Target without the operation, JSON 1.1 only
	version  string   // API version and namespace, query only
	xmlns    string
	// identify names the operation of a request of a REST service; "" if the
	// service has none at this method and path.
	identify   func(r *http.Request) string
	operations map[string]operation
}

// operation is one call of a service.
type operation struct {
	// handle does it. The result is encoded in the service's protocol, a
	// *reply as it says; errors other than *apiError become a 500.
	handle func(c *call) (any, error)
	// needs lists what IAM must allow. Nil stands for `service:Operation` on `*`.
	needs func(c *call) []permission
	// anonymous operations take no signature, such as AssumeRoleWithWebIdentity.
	anonymous bool
}

// permission is one IAM action on one resource.
type permission struct{ Action, Resource string }

// call is one request to a service, after it was found to be signed.
type call struct {
	srv       *Server
	Request   *http.Request
	Body      []byte
	Form      url.Values // query services only
	Operation string
	RequestID string
	Region    string    // of the endpoint; state lives there
	Account   string    // the caller's
	Principal principal // the caller
	Host      string    // as the client named it
	Bucket    string    // S3 only, from a virtual-hosted name
	record    *Request
}

// reply is a handler's answer where more than a body with status 200 is meant.
type reply struct {
	Status int // 0 means 200
	Header http.Header
	Body   any    // encoded in the service's protocol, unless nil
	Raw    []byte // sent as it is, with Header's Content-Type, unless nil
}

// decodeJSON reads the request's JSON body; an empty one leaves v as it is.
func (c *call) decodeJSON(v any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, v); err != nil {
		return clientError("SerializationException", "%s", err)
	}
	return nil
}

// jsonHandler makes a handler of a function from decoded input to output.
func jsonHandler[In, Out any](f func(c *call, in *In) (*Out, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		in := new(In)
		if err := c.decodeJSON(in); err != nil {
			return nil, err
		}
		out, err := f(c, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// queryHandler makes a handler of a function from form values to a value for
// encoding/xml, which is put inside <OperationResult>.
func queryHandler(f func(c *call, form url.Values) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) { return f(c, c.Form) }
}

// perform runs the call's operation and writes what came of it.
func (svc *service) perform(w http.ResponseWriter, c *call) {
	result, err := svc.operations[c.Operation].handle(c)
	if err != nil {
		svc.fail(w, c, err)
		return
	}
	r, ok := result.(*reply)
	if !ok {
		r = &reply{Body: result}
	}
	for key, values := range r.Header {
		w.Header()[key] = values
	}
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case r.Raw != nil || r.Body == nil:
		svc.protocol.write(w, c.RequestID, status, "application/octet-stream", r.Raw)
	case svc.protocol == protocolQuery:
		svc.protocol.writeXML(w, c.RequestID, status, queryResponse{c.Operation, svc.xmlns, c.RequestID, r.Body})
	case svc.protocol == protocolRESTXML:
		svc.protocol.writeXML(w, c.RequestID, status, r.Body)
	default:
		svc.protocol.writeJSON(w, c.RequestID, status, r.Body)
	}
}

func (svc *service) fail(w http.ResponseWriter, c *call, err error) {
	refusal, ok := errors.AsType[*apiError](err)
	if !ok {
		refusal = svc.protocol.failed(http.StatusInternalServerError)
		refusal.Message = err.Error()
	}
	c.record.ErrorCode = refusal.Code
	svc.protocol.writeError(w, c.RequestID, c.Host, c.Request.URL.Path, refusal)
}

// queryResponse is the envelope of the query protocol.
type queryResponse struct {
	operation, xmlns, requestID string
	result                      any
}

// MarshalXML writes <OpResponse><OpResult>…</OpResult><ResponseMetadata>….
func (q queryResponse) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	outer := xml.StartElement{
		Name: xml.Name{Local: q.operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: q.xmlns}},
	}
	if err := e.EncodeToken(outer); err != nil {
		return err
	}
	if q.result != nil {
		if err := e.EncodeElement(q.result, xml.StartElement{Name: xml.Name{Local: q.operation + "Result"}}); err != nil {
			return err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{q.requestID}
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return err
	}
	return e.EncodeToken(outer.End())
}

// epochTime is a JSON 1.1 timestamp: epoch seconds with a fraction.
// Source: service models, timestamp shapes.
type epochTime struct{ time.Time }

// MarshalJSON writes seconds to the millisecond.
func (t epochTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(t.UnixMilli()) / 1000)
}
