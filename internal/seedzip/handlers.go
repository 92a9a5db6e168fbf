// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip

import (
	"path"
	"regexp"
	"strings"
)

// maxHandler is the longest handler that Lambda takes, in characters (source:
// Lambda API reference, CreateFunction).
const maxHandler = 128

var (
	// name is a name in each of the languages.
	name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// fileName is what a file or a folder may be called: what needs no care in any
	// archive, on any file system.
	fileName = regexp.MustCompile(`^[A-Za-z0-9_@-]+$`)
	// folderName may have dots between other characters.
	folderName = regexp.MustCompile(`^[A-Za-z0-9_@-]+(\.[A-Za-z0-9_@-]+)*$`)
	// jsName may have dollars too.
	jsName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
	// rubyClass is the path of a constant, rubyMethod the name of a method.
	rubyClass  = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)
	rubyMethod = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*[?!]?$`)
)

// unfit says why no runtime takes a handler.
func unfit(handler string) string {
	switch {
	case handler == "":
		return "Lambda wants one for every .zip package, even where nothing reads it."
	case strings.ContainsFunc(handler, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "it may have no white space and no characters beyond ASCII."
	case len(handler) > maxHandler:
		return "it may have 128 characters at most."
	}
	return ""
}

// pythonHandler splits a handler as the runtime does: behind the last dot is the
// function, and what is before it is a module, in which slashes count as dots
// (source: aws-lambda-python-runtime-interface-client, bootstrap.py).
func pythonHandler(handler string) (module []string, function, problem string) {
	const want = `it must name a module and a function, such as "app.handler" for handler in app.py, or "pkg/app.handler" for handler in pkg/app.py.`
	dot := strings.LastIndexByte(handler, '.')
	if dot < 0 {
		return nil, "", want
	}
	module, function = strings.Split(strings.ReplaceAll(handler[:dot], "/", "."), "."), handler[dot+1:]
	for _, part := range module {
		if !fileName.MatchString(part) {
			return nil, "", want
		}
	}
	if !name.MatchString(function) {
		return nil, "", want
	}
	return module, function, ""
}

// nodeHandler splits a handler as the runtime does: the file is up to the first dot
// behind the last slash, and what follows leads to the function through what the
// file exports (source: aws-lambda-nodejs-runtime-interface-client, UserFunction.js).
func nodeHandler(handler string) (file string, function []string, problem string) {
	const want = `it must name a file and what it exports, such as "index.handler" for exports.handler in index.js, or "src/index.api.handler" for exports.api.handler in src/index.js.`
	folder, base := path.Split(strings.TrimPrefix(handler, "./"))
	module, exported, found := strings.Cut(base, ".")
	if !found || !fileName.MatchString(module) {
		return "", nil, want
	}
	if folder != "" {
		for part := range strings.SplitSeq(strings.TrimSuffix(folder, "/"), "/") {
			if !folderName.MatchString(part) {
				return "", nil, want
			}
		}
	}
	// The runtime looks for the last part from the left.
	if strings.Index(handler, base) != len(handler)-len(base) {
		return "", nil, "the name of the file and the function must not be the end of a folder's name too."
	}
	function = strings.Split(exported, ".")
	for _, part := range function {
		if !jsName.MatchString(part) {
			return "", nil, want
		}
	}
	return folder + module, function, ""
}

// rubyHandler splits a handler as the runtime does: at the dots, of which there is
// one, or two around a class (source: aws-lambda-ruby-runtime-interface-client,
// lambda_handler.rb).
func rubyHandler(handler string) (file, class, method, problem string) {
	const want = `it must name a file and a method, and may name a class between them, such as "app.handler" for handler in app.rb, or "lib/app.Api::Handler.process" for Api::Handler.process in lib/app.rb.`
	parts := strings.Split(handler, ".")
	switch len(parts) {
	case 2:
		file, method = parts[0], parts[1]
	case 3:
		file, class, method = parts[0], parts[1], parts[2]
		if !rubyClass.MatchString(class) {
			return "", "", "", want
		}
	default:
		return "", "", "", want
	}
	for part := range strings.SplitSeq(file, "/") {
		if !fileName.MatchString(part) {
			return "", "", "", want
		}
	}
	if !rubyMethod.MatchString(method) {
		return "", "", "", want
	}
	return file, class, method, ""
}
