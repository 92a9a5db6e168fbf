// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip

import (
	_ "embed"
	"strings"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
)

// The programs, with words in capitals between underscores where something is filled
// in. They are read in the Lambda console by people who wonder what it is.
var (
	//go:embed programs/placeholder.py
	pythonSource string
	//go:embed programs/placeholder.js
	nodeSource string
	//go:embed programs/placeholder.rb
	rubySource string
	//go:embed programs/bootstrap.bash
	shellSource string
)

func pythonProgram(handler string) ([]file, string) {
	module, function, problem := pythonHandler(handler)
	if problem != "" {
		return nil, problem
	}
	var files []file
	// With these, the folders win over packages of the same name that the runtime
	// brings along.
	for i := range module[:len(module)-1] {
		files = append(files, file{strings.Join(module[:i+1], "/") + "/__init__.py", "", readable})
	}
	return append(files, file{
		strings.Join(module, "/") + ".py",
		fill(pythonSource, "__RULES__", rulesAsLists("    ", "        "), "__FUNCTION__", function),
		readable,
	}), ""
}

func nodeProgram(handler string) ([]file, string) {
	module, function, problem := nodeHandler(handler)
	if problem != "" {
		return nil, problem
	}
	value := "placeholder"
	for i := len(function) - 1; i > 0; i-- {
		value = "{ " + function[i] + ": " + value + " }"
	}
	return []file{{
		module + ".js", // which every version loads as CommonJS where there is no package.json
		fill(nodeSource, "__RULES__", rulesAsLists("", "  "), "__EXPORT__", "exports."+function[0]+" = "+value),
		readable,
	}}, ""
}

func rubyProgram(handler string) ([]file, string) {
	name, class, method, problem := rubyHandler(handler)
	if problem != "" {
		return nil, problem
	}
	entry := "def " + method + "(event:, context:)\n  PlaceholderPackage.respond(event, context)\nend"
	if class != "" {
		entry = `"` + class + `".split("::").inject(Object) do |outer, name|` + "\n" +
			"  outer.const_defined?(name, false) ? outer.const_get(name, false) : outer.const_set(name, Module.new)\n" +
			"end.define_singleton_method(:" + method + ") { |event:, context:| PlaceholderPackage.respond(event, context) }"
	}
	return []file{{name + ".rb", fill(rubySource, "__RULES__", rulesAsLists("  ", "    "), "__ENTRY__", entry), readable}}, ""
}

// shellProgram is the same for every handler: Lambda starts the file bootstrap
// (source: Lambda Developer Guide, "When to use Lambda's OS-only runtimes").
func shellProgram(string) ([]file, string) {
	return []file{{"bootstrap", fill(shellSource, "__RULES__", rulesAsLines()), executable}}, ""
}

func fill(source string, pairs ...string) string {
	// Git may check text out with the line ends of the platform.
	return strings.NewReplacer(append(pairs, "\r\n", "\n")...).Replace(source)
}

// rulesAsLists writes the rules as an array of arrays of strings, in the notation
// that Python, JavaScript and Ruby share with JSON. No string in it needs an escape.
func rulesAsLists(outer, inner string) string {
	var b strings.Builder
	b.WriteString("[\n")
	for _, rule := range eventrules.Rules {
		b.WriteString(inner + `["` + rule.Kind + `", "` + string(rule.Headers) + `", [`)
		for i, c := range rule.Conditions {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(`["` + c.Path + `", "` + string(c.Test) + `"]`)
		}
		b.WriteString("]],\n")
	}
	b.WriteString(outer + "]")
	return b.String()
}

// rulesAsLines writes the rules as lines: kind, headers ("-" for none), and the
// conditions as path=test.
func rulesAsLines() string {
	var lines []string
	for _, rule := range eventrules.Rules {
		headers := string(rule.Headers)
		if rule.Headers == eventrules.Fail {
			headers = "-"
		}
		line := rule.Kind + " " + headers
		for _, c := range rule.Conditions {
			line += " " + c.Path + "=" + string(c.Test)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
