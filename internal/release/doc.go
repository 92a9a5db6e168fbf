// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package release tests the files of a release, as a user gets them: that the
// registry would take them, and that the archive of this machine's platform
// installs through a filesystem mirror and does its work. It has no code of its
// own.
//
// The files are those of a finished release build; LAMBDASEED_RELEASE_DIST names
// their folder. "bash .ci/run release" builds them and runs this.
package release
