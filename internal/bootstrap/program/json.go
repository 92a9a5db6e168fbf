// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"unicode/utf8"
)

// maxDepth bounds how deeply the values of an event may be nested. Events of AWS
// services stay far below it.
const maxDepth = 1000

var (
	errNotJSON      = errors.New("not valid JSON")
	errNotAnObject  = errors.New("not a JSON object")
	errAmbiguousKey = errors.New("a key is there twice or is written with an escape")
)

// object holds the members of a JSON object: their raw values by key.
type object map[string][]byte

// parseObject returns the members of the JSON object in data. It fails if data is
// not one valid JSON value, not an object, or not certain to mean the same to
// everybody: a key that is there twice is read differently by different parsers,
// and services do not write the escapes that JSON allows in keys.
func parseObject(data []byte) (object, error) {
	s := scanner{data: data}
	members := object{}
	var refused error
	s.space()
	isObject := s.peek() == '{'
	if !s.value(0, func(key, value []byte) {
		name := string(key[1 : len(key)-1])
		for _, c := range []byte(name) {
			if c == '\\' {
				refused = errAmbiguousKey
			}
		}
		if _, twice := members[name]; twice {
			refused = errAmbiguousKey
		}
		members[name] = value
	}) {
		return nil, errNotJSON
	}
	s.space()
	switch {
	case s.pos != len(data):
		return nil, errNotJSON
	case !isObject:
		return nil, errNotAnObject
	case refused != nil:
		return nil, refused
	}
	return members, nil
}

// object returns the member called key if it is an object with unambiguous keys,
// otherwise nil, which has no members.
func (o object) object(key string) object {
	inner, err := parseObject(o[key])
	if err != nil {
		return nil
	}
	return inner
}

// scanner walks over one JSON text (RFC 8259). Its methods report whether what they
// are named for is at pos, and leave pos behind it.
type scanner struct {
	data []byte
	pos  int
}

// peek returns the byte at pos, 0 at the end: no JSON text goes on with that.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) next(c byte) bool {
	if s.peek() != c || s.pos >= len(s.data) {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) space() {
	for c := s.peek(); c == ' ' || c == '\t' || c == '\r' || c == '\n'; c = s.peek() {
		s.pos++
	}
}

// value scans any value. If it is an object, member is called for each of its
// members, with the raw key, quotes included, and the raw value.
func (s *scanner) value(depth int, member func(key, value []byte)) bool {
	if depth > maxDepth {
		return false
	}
	switch c := s.peek(); {
	case c == '{':
		return s.list('}', func() bool {
			key := s.pos
			if !s.string() {
				return false
			}
			keyEnd := s.pos
			s.space()
			if !s.next(':') {
				return false
			}
			s.space()
			value := s.pos
			if !s.value(depth+1, nil) {
				return false
			}
			if member != nil {
				member(s.data[key:keyEnd], s.data[value:s.pos])
			}
			return true
		})
	case c == '[':
		return s.list(']', func() bool { return s.value(depth+1, nil) })
	case c == '"':
		return s.string()
	case c == '-' || isDigit(c):
		return s.number()
	}
	return s.literal("true") || s.literal("false") || s.literal("null")
}

// list scans an array or an object, whose elements are scanned by element.
func (s *scanner) list(end byte, element func() bool) bool {
	s.pos++ // the opening bracket
	s.space()
	if s.next(end) {
		return true
	}
	for element() {
		s.space()
		if s.next(end) {
			return true
		}
		if !s.next(',') {
			return false
		}
		s.space()
	}
	return false
}

func (s *scanner) string() bool {
	if !s.next('"') {
		return false
	}
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return true
		case c < ' ':
			return false
		case c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

// escape scans what follows a backslash.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			if c := s.peek(); !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return false
			}
			s.pos++
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	s.next('-')
	if !s.next('0') && !s.digits() {
		return false
	}
	if s.next('.') && !s.digits() {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) literal(word string) bool {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

func isDigit(c byte) bool {
	return '0' <= c && c <= '9'
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
