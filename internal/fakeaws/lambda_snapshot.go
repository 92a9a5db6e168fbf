// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"maps"
	"slices"
	"time"
)

// Function is what a test sees of a Lambda function.
type Function struct {
	Name, ARN, Role  string
	PackageType      string // Zip, Image
	ImageURI         string // verbatim, as the caller gave it
	ImageDigest      string // what the tag resolved to when the code was set
	ResolvedImageURI string
	CodeSHA256       string
	Zip              []byte
	Handler, Runtime string
	Architectures    []string
	Environment      map[string]string
	State            string
	StateReasonCode  string
	LastUpdateStatus string
	LastUpdateReason string // code and text of a failed update
	RevisionID       string // changes with every update
	LastModified     time.Time
	Versions         []string          // published, oldest first
	Aliases          map[string]string // name -> version
}

// Function returns a copy of a function of the default account; ok is false when
// there is none. Looking does not bring a change under way nearer to its end.
func (s *Server) Function(region, name string) (fn Function, ok bool) {
	l := s.lambda
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.functions[regionKey{s.account, region}][name]
	if !ok {
		return Function{}, false
	}
	return f.snapshot(), true
}

// Functions lists the functions of a region of the default account, by name.
func (s *Server) Functions(region string) []Function {
	l := s.lambda
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.functions[regionKey{s.account, region}]
	out := make([]Function, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name].snapshot())
	}
	return out
}

func (fn *function) snapshot() Function {
	v := fn.latest
	out := Function{
		Name: fn.name, ARN: functionARN(fn.key, fn.name), Role: v.config.Role,
		PackageType: v.code.packageType, ImageURI: v.code.imageURI, ImageDigest: v.code.digest,
		ResolvedImageURI: v.code.location(fn).ResolvedImageURI, CodeSHA256: v.code.sha256, Zip: bytes.Clone(v.code.zip),
		Handler: v.config.Handler, Runtime: v.config.Runtime, Architectures: slices.Clone(v.code.architectures),
		State: v.state, StateReasonCode: v.reasonCode, LastUpdateStatus: v.update,
		RevisionID: v.revision, LastModified: v.modified, Aliases: map[string]string{},
	}
	if v.updateReasonCode != "" {
		out.LastUpdateReason = v.updateReasonCode + ": " + v.updateText
	}
	if env := v.config.Environment; env != nil {
		out.Environment = maps.Clone(env.Variables)
	}
	for _, published := range fn.versions {
		out.Versions = append(out.Versions, published.number)
	}
	for name, alias := range fn.aliases {
		out.Aliases[name] = alias.version
	}
	return out
}
