// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package seedzip builds placeholders for Lambda functions of package type Zip: a
// few files of source code, of one kilobyte or a few, that answer HTTP callers with
// a 503 and fail every other event. It does no I/O.
//
// The code follows the same rules as the program in a placeholder image: those of
// package eventrules, which are written into it as a table.
package seedzip

import (
	"fmt"
)

// RuntimeError says that there is no placeholder for a runtime.
type RuntimeError struct {
	Runtime string
	hint    string
}

func (e *RuntimeError) Error() string {
	message := fmt.Sprintf("There is no placeholder for the runtime %q. Supported are %s.", e.Runtime, supported)
	if e.hint != "" {
		message += " " + e.hint
	}
	return message
}

// HandlerError says that a handler does not fit its runtime.
type HandlerError struct {
	Runtime, Handler string
	problem          string
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("The handler %q does not fit the runtime %s: %s", e.Handler, e.Runtime, e.problem)
}

// Build returns the .zip archive of the placeholder for a runtime, in Lambda's words
// ("python3.13"), and a handler as the function is configured with ("app.handler").
// The same input gives the same bytes, everywhere and in every version of this
// package in which the placeholder's own code is the same.
//
// It returns a *RuntimeError or a *HandlerError when there is no such placeholder.
func Build(runtime, handler string) ([]byte, error) {
	language, err := languageOf(runtime)
	if err != nil {
		return nil, err
	}
	files, problem := language.program(handler)
	if problem == "" {
		problem = unfit(handler)
	}
	if problem != "" {
		return nil, &HandlerError{Runtime: runtime, Handler: handler, problem: problem}
	}
	return archive(files)
}
