// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip

import (
	"regexp"
	"strconv"
	"strings"
)

// language is a family of runtimes that run the same placeholder.
type language struct {
	// runtime matches the identifiers of the family's runtimes. Its groups are the
	// numbers of the version.
	runtime *regexp.Regexp
	// oldest is the lowest version that is supported.
	oldest []int
	// program returns the files for a handler, or what is wrong with the handler.
	program func(handler string) (files []file, problem string)
}

// languages are those whose runtimes Lambda still creates functions with. There is
// no newest version: what the placeholders use is in every later version of these
// languages too, and a new runtime should not need a new provider. Lambda refuses a
// runtime that it does not have.
//
// Source: Lambda Developer Guide, "Lambda runtimes", which had python3.8 to
// python3.14, nodejs16.x to nodejs24.x, ruby3.2 to ruby4.0, provided.al2 and
// provided.al2023 in November 2026.
var languages = []language{
	{regexp.MustCompile(`^python([1-9])\.(0|[1-9][0-9]?)$`), []int{3, 8}, pythonProgram},
	{regexp.MustCompile(`^nodejs([1-9][0-9]?)\.x$`), []int{16}, nodeProgram},
	{regexp.MustCompile(`^ruby([1-9])\.([0-9])$`), []int{3, 2}, rubyProgram},
	// Not any later one: what a system without a language offers is known of these.
	{regexp.MustCompile(`^provided\.al2(?:023)?$`), nil, shellProgram},
}

const supported = "python3.8 and later, nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023"

// hints tell what to do instead, by the beginning of the runtime.
var hints = []struct{ prefix, hint string }{
	{"java", compiled},
	{"dotnet", compiled},
	{"go", "Go programs run on provided.al2023."},
	{"provided", "Use provided.al2023."},
}

const compiled = "Runtimes of compiled languages need a compiled placeholder, which this function does not have;" +
	" a function of package type Image gets one from lambdaseed_placeholder_image, whatever its language."

func languageOf(runtime string) (language, error) {
	for _, l := range languages {
		if groups := l.runtime.FindStringSubmatch(runtime); groups != nil && atLeast(groups[1:], l.oldest) {
			return l, nil
		}
	}
	for _, h := range hints {
		if strings.HasPrefix(runtime, h.prefix) {
			return language{}, &RuntimeError{Runtime: runtime, hint: h.hint}
		}
	}
	return language{}, &RuntimeError{Runtime: runtime}
}

// atLeast compares versions; have holds digits only.
func atLeast(have []string, want []int) bool {
	for i, w := range want {
		if h, _ := strconv.Atoi(have[i]); h != w {
			return h > w
		}
	}
	return true
}
