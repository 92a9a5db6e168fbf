// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strconv"
	"time"
)

// runtimePath is the path of the version of the Runtime API that every function
// gets (source: Lambda Developer Guide, "Using the Lambda runtime API").
const runtimePath = "/2018-06-01/runtime/"

// initErrorTimeout bounds the attempt to tell why the program cannot start.
const initErrorTimeout = 2 * time.Second

// runtimeAPI is a client of the Lambda Runtime API. It keeps one connection open,
// so it is not for use by several goroutines.
type runtimeAPI struct {
	address string // host:port
	conn    net.Conn
	reader  *bufio.Reader
}

// invocation is one event that waits for its answer.
type invocation struct {
	requestID string
	event     []byte
}

// next waits for the next invocation. There is no time limit: Lambda freezes the
// process while it waits, possibly for hours.
func (api *runtimeAPI) next() (invocation, error) {
	const what = "get the next invocation"
	resp, err := api.do("GET", "invocation/next", "", nil)
	if err != nil {
		return invocation{}, failedTo(what, err)
	}
	if resp.status != 200 {
		return invocation{}, failedTo(what, errors.New("the Runtime API answered with status "+strconv.Itoa(resp.status)))
	}
	id := resp.header.get("Lambda-Runtime-Aws-Request-Id")
	if !isRequestID(id) {
		return invocation{}, failedTo(what, errors.New("the Runtime API gave no usable request ID"))
	}
	return invocation{requestID: id, event: resp.body}, nil
}

// respond completes an invocation with a payload.
func (api *runtimeAPI) respond(requestID string, payload []byte) error {
	return api.post("send the response", "invocation/"+requestID+"/response", "", payload)
}

// fail completes an invocation with a function error.
func (api *runtimeAPI) fail(requestID string, payload []byte) error {
	return api.post("send the function error", "invocation/"+requestID+"/error", errorType, payload)
}

// reportInitError tells Lambda why the program cannot start, as well as it can be
// told: the process ends in any case.
func (api *runtimeAPI) reportInitError(cause error) {
	api.close()
	deadline := time.Now().Add(initErrorTimeout)
	if api.dial(net.Dialer{Deadline: deadline}) != nil || api.conn.SetDeadline(deadline) != nil {
		return
	}
	defer api.close()
	_ = api.post("report the failed start", "init/error", initErrorType, errorPayload(initErrorType, cause.Error()))
}

func (api *runtimeAPI) post(what, path, functionErrorType string, payload []byte) error {
	resp, err := api.do("POST", path, functionErrorType, payload)
	if err != nil {
		return failedTo(what, err)
	}
	if resp.status != 202 {
		return failedTo(what, errors.New("the Runtime API answered with status "+strconv.Itoa(resp.status)))
	}
	return nil
}

// do sends a request and reads the response to it.
func (api *runtimeAPI) do(method, path, functionErrorType string, body []byte) (response, error) {
	if api.conn == nil {
		if err := api.dial(net.Dialer{}); err != nil {
			return response{}, err
		}
	}
	request := []byte(method + " " + runtimePath + path + " HTTP/1.1\r\n" +
		"Host: " + api.address + "\r\n" +
		"User-Agent: lambdaseed-placeholder\r\n")
	if functionErrorType != "" {
		request = append(request, "Lambda-Runtime-Function-Error-Type: "+functionErrorType+"\r\n"...)
	}
	if method == "POST" {
		request = append(request, "Content-Type: application/json\r\n"+
			"Content-Length: "+strconv.Itoa(len(body))+"\r\n"...)
	}
	request = append(request, "\r\n"...)
	request = append(request, body...)
	if _, err := api.conn.Write(request); err != nil {
		return response{}, api.broken(err)
	}
	resp, err := readResponse(api.reader)
	if _, ok := errors.AsType[protocolError](err); ok {
		return response{}, err
	}
	if err != nil {
		return response{}, api.broken(err)
	}
	if resp.close {
		api.close()
	}
	return resp, nil
}

func (api *runtimeAPI) broken(err error) error {
	return errors.New("the connection to the Runtime API at " + api.address + " broke: " + err.Error())
}

func (api *runtimeAPI) dial(dialer net.Dialer) error {
	conn, err := dialer.DialContext(context.Background(), "tcp", api.address)
	if err != nil {
		return err
	}
	api.conn, api.reader = conn, bufio.NewReader(conn)
	return nil
}

func (api *runtimeAPI) close() {
	if api.conn != nil {
		_ = api.conn.Close() // nothing depends on it any more
		api.conn, api.reader = nil, nil
	}
}

// isRequestID reports whether id can stand in the path of a request as it is.
func isRequestID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return id != ""
}

func failedTo(what string, err error) error {
	return errors.New("failed to " + what + ": " + err.Error())
}
