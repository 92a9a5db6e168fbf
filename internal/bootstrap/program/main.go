// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command program is what runs in a placeholder image: a Lambda function that says
// that the application is not there yet.
//
// It takes invocations from the Lambda Runtime API. An event that is positively
// recognised as an HTTP request gets an HTTP answer, 503 unless the image is
// configured otherwise. Every other event gets a function error, so that queues
// and streams keep what they hold and try again. It never reports success for
// anything else.
//
// It is linked statically and needs nothing from the image it is in: no files, no
// certain user, no arguments. The standard library's net/http and encoding/json
// would more than double it, so it has a small HTTP client (runtimeapi.go,
// response.go) and a small JSON scanner (json.go) of its own. It catches no
// signals: SIGTERM ends it at once.
package main

import (
	"io"
	"os"
	"time"
)

func main() {
	run(os.LookupEnv, os.Stdout)
	os.Exit(1) // Lambda starts a new process when it needs one
}

// run serves invocations for as long as the Runtime API is there. When it returns,
// the log says why.
func run(lookupEnv func(string) (string, bool), stdout io.Writer) {
	log := logger{out: stdout, now: time.Now}
	p, problems := newPlaceholder(lookupEnv)
	for _, problem := range problems {
		log.warn(problem)
	}
	address, _ := lookupEnv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		log.fatal("AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda, or in an emulator of it")
		return
	}
	log.fatal(serve(&runtimeAPI{address: address}, p, log).Error())
}

// serve answers one invocation after the other. It returns the reason why it
// cannot go on.
func serve(api *runtimeAPI, p placeholder, log logger) error {
	for first := true; ; first = false {
		inv, err := api.next()
		if err != nil {
			if first {
				api.reportInitError(err)
			}
			return err
		}
		kind := recognise(inv.event)
		if kind.isHTTP() {
			log.answered(inv.requestID, kind, p.statusCode)
			err = api.respond(inv.requestID, p.answer(kind.headers))
		} else {
			log.failed(inv.requestID, kind)
			err = api.fail(inv.requestID, p.failure())
		}
		if err != nil {
			return err
		}
	}
}
