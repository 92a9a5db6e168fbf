// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want error
	}{
		"empty object":        {"{}", nil},
		"spaces":              {" \t\r\n{ \"a\" : 1 , \"b\" : [ ] } \n", nil},
		"every kind of value": {`{"a":"s","b":-1.5e+3,"c":true,"d":false,"e":null,"f":[1,{"a":2}],"g":{"a":{}}}`, nil},
		"escapes in a value":  {`{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}`, nil},
		"same key deeper":     {`{"a":{"a":{"a":1}},"b":{"a":1}}`, nil},
		"same key twice":      {`{"a":1,"b":2,"a":1}`, errAmbiguousKey},
		"escape in a key":     {`{"\u0061":1}`, errAmbiguousKey},
		"array":               {"[]", errNotAnObject},
		"string":              {`"{}"`, errNotAnObject},
		"number":              {"-0.5", errNotAnObject},
		"null":                {"null", errNotAnObject},
		"nothing":             {"", errNotJSON},
		"open object":         {"{", errNotJSON},
		"open string":         {`{"a`, errNotJSON},
		"open escape":         {`{"a":"`, errNotJSON},
		"bad escape":          {`{"a":"\x"}`, errNotJSON},
		"short escape":        {`{"a":"\u00e"}`, errNotJSON},
		"key without value":   {`{"a"}`, errNotJSON},
		"key is a number":     {"{1:2}", errNotJSON},
		"comma at the end":    {`{"a":1,}`, errNotJSON},
		"two commas":          {"[1,,2]", errNotJSON},
		"leading zero":        {"[01]", errNotJSON},
		"plus":                {"[+1]", errNotJSON},
		"no digits":           {"[-]", errNotJSON},
		"no fraction":         {"[1.]", errNotJSON},
		"no exponent":         {"[1e]", errNotJSON},
		"hexadecimal":         {"[0x1]", errNotJSON},
		"half a word":         {"tru", errNotJSON},
		"word with a tail":    {"nullx", errNotJSON},
		"at the depth limit":  {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), errNotAnObject},
		"over the depth":      {strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2), errNotJSON},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseObject([]byte(tt.data)); !errors.Is(err, tt.want) {
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestParseObjectReturnsRawValues(t *testing.T) {
	t.Parallel()
	o, err := parseObject([]byte(` { "a" : { "b" : "c\n" } , "d" : [ 1 , 2 ] } `))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(o["a"]); got != `{ "b" : "c\n" }` {
		t.Errorf("a is %s", got)
	}
	if got := string(o["d"]); got != "[ 1 , 2 ]" {
		t.Errorf("d is %s", got)
	}
	if string(o.object("a")["b"]) != `"c\n"` || o.object("a")["c"] != nil || o.object("d") != nil || o.object("e") != nil {
		t.Error("the members are not what they are")
	}
}

// FuzzParseObject compares the scanner with encoding/json.
func FuzzParseObject(f *testing.F) {
	for _, event := range eventtable.All() {
		f.Add(event.JSON)
	}
	for _, seed := range []string{`{"a":1,"a":2}`, `{"\u0061":-0.5e-7}`, "[]", `"\ud800"`, "\"\xff\"", "1e", "nul", `{"a":[{},[],"",0,true,false,null]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		// encoding/json goes deeper, and that is the only difference in what is valid.
		if valid := json.Valid(data); valid == errors.Is(err, errNotJSON) && strings.Count(string(data), "[")+strings.Count(string(data), "{") <= maxDepth {
			t.Fatalf("encoding/json says valid is %t, the scanner says %v", valid, err)
		}
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("not an object for encoding/json: %v", err)
		}
		if len(o) != len(want) {
			t.Fatalf("%d members, want %d", len(o), len(want))
		}
		for key, value := range want {
			// encoding/json replaces what is not UTF-8 in a key.
			if got, ok := o[key]; ok && string(got) != string(value) || !ok && !strings.ContainsRune(key, '\uFFFD') {
				t.Errorf("%q is %s, want %s", key, got, value)
			}
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é漢😀\u2028", "\xff\xfe", "</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q is not JSON: %v", appendString(nil, s), err)
		}
		if utf8.ValidString(s) && got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}
