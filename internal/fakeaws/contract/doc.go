// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package contract says, call by call, how AWS behaves where the provider
// depends on it. It is written once and run twice: against fakeaws in every
// test run, and against a real account by a maintainer who has one, who so
// learns in one run where fakeaws is wrong.
//
// Each case quotes its fact and where that is known from. A fact that is
// documented or was seen often is asserted. One that is not sure is a
// question: the case finds out, fakeaws is held to what it assumes, and a real
// account's answer is reported, not failed:
//
//	ASSUMED RIGHT  PATCH of an upload answers 201: 201
//	ASSUMED WRONG  Location of an upload is: assumed "absolute", found "relative"
//
// To run it against a real account, with credentials in the environment as for
// the AWS CLI:
//
//	LAMBDASEED_TESTACC_REGION=eu-west-1 go test -v ./internal/fakeaws/contract/ -run TestRealAccount
//
// Everything that it creates is named lambdaseed-contract-… and deleted again.
// A killed run leaves repositories of that name behind; the next run deletes
// those that are older than an hour. Cost: some hundred requests, no storage.
package contract
