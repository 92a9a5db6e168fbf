// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import "slices"

// look brings the change under way one step nearer to its end.
func (fn *function) look() {
	if fn.lag > 0 {
		fn.lag--
		return
	}
	fn.settle()
}

// settle ends the change under way, well or not. $LATEST and versions that were
// published meanwhile share its end.
func (fn *function) settle() {
	fn.lag = 0
	for _, v := range append([]*functionVersion{fn.latest}, fn.versions...) {
		v.settle()
	}
}

// settle ends a version's change. A create that goes wrong leaves it Failed; an
// update that goes wrong leaves it as it was before.
// Source: Lambda developer guide, function states.
func (v *functionVersion) settle() {
	failure := v.after
	v.after = nil
	switch {
	case v.state == "Pending" && failure != nil:
		v.state, v.reasonCode, v.reason = "Failed", failure.code, failure.reason
		v.update, v.updateReasonCode, v.updateText = "Failed", failure.code, failure.reason
	case v.state == "Pending":
		v.active()
	case v.update == "InProgress" && failure != nil:
		v.update, v.updateReasonCode, v.updateText = "Failed", failure.code, failure.reason
		if failure.previous != nil {
			v.code = *failure.previous
		}
	case v.update == "InProgress":
		v.active()
	}
}

func (v *functionVersion) active() {
	v.state, v.reasonCode, v.reason = "Active", "", ""
	v.update, v.updateReasonCode, v.updateText = "Successful", "", ""
}

// busy refuses a change while another is under way. A refused change counts as a
// look, so that trying again ends some day.
// Seen in aws-controllers-k8s/community#1103, remotion-dev/remotion#1186 (state)
// and aws/aws-cli#6718, aws-amplify/amplify-backend#2510 (update).
func (fn *function) busy() *apiError {
	v := fn.latest
	switch {
	case v.state == "Pending":
		fn.look()
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case v.update == "InProgress":
		fn.look()
		return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", functionARN(fn.key, fn.name))
	}
	return nil
}

// begin puts an accepted change under way. l.mu must be held.
func (l *lambdaService) begin(fn *function, failure *asyncFailure) {
	l.touch(fn.latest)
	fn.latest.update, fn.latest.updateReasonCode, fn.latest.updateText = "InProgress", "Creating", "The function is being created."
	fn.latest.after = failure
	fn.lag = l.lag()
	if fn.lag == 0 {
		fn.settle()
	}
}

// RefetchImages does what Lambda does from time to time: it looks for the image
// of every function again. A version whose image was deleted, or that Lambda may
// no longer read, becomes Failed with ImageDeleted or ImageAccessDenied.
// Source: Lambda developer guide, invocation-images.html and StateReasonCode;
// the wording of the reasons is not known.
func (s *Server) RefetchImages() {
	l := s.lambda
	l.mu.Lock()
	defer l.mu.Unlock()
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	for _, functions := range l.functions {
		for _, fn := range functions {
			for _, v := range append([]*functionVersion{fn.latest}, fn.versions...) {
				if v.code.packageType != "Image" || v.state != "Active" {
					continue
				}
				repo := s.ecr.repositories[v.code.repository.key][v.code.repository.name]
				switch {
				case repo == nil || repo.images[v.code.digest] == nil:
					v.state, v.reasonCode, v.reason = "Failed", "ImageDeleted", "The image "+v.code.location(fn).ResolvedImageURI+" was deleted."
				case !l.behaviour.NoPolicyWrite && !l.readable(repo):
					v.state, v.reasonCode, v.reason = "Failed", "ImageAccessDenied", "Lambda does not have permission to access the image "+v.code.location(fn).ResolvedImageURI+"."
				}
			}
		}
	}
}

// SettleFunctions ends all changes under way in every account and region, as a
// pipeline that waits would find them.
func (s *Server) SettleFunctions() {
	s.lambda.mu.Lock()
	defer s.lambda.mu.Unlock()
	for _, functions := range s.lambda.functions {
		for _, fn := range functions {
			fn.settle()
		}
	}
}

// version finds $LATEST ("" or in words), a published version or an alias.
func (fn *function) version(qualifier string) (*functionVersion, *apiError) {
	if alias, ok := fn.aliases[qualifier]; ok {
		qualifier = alias.version
	}
	if qualifier == "" || qualifier == "$LATEST" {
		return fn.latest, nil
	}
	if i := slices.IndexFunc(fn.versions, func(v *functionVersion) bool { return v.number == qualifier }); i >= 0 {
		return fn.versions[i], nil
	}
	return nil, notThere(functionARN(fn.key, fn.name) + ":" + qualifier)
}
