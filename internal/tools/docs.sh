#!/bin/sh
# Copyright (c) the lambdaseed authors
# SPDX-License-Identifier: MPL-2.0
#
# Rebuilds docs/ from the provider's schema, templates/ and examples/. Needs go,
# and neither network nor Terraform: internal/docschema prints the schema as it
# is here, and the generator is built from modules.
set -eu

cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

go run ./internal/docschema >"$work/schema.json"

# The generator tells each step; only a failure's are worth reading.
tfplugindocs() {
  go tool -modfile=internal/tools/go.mod tfplugindocs "$@" --provider-name lambdaseed \
    --providers-schema "$work/schema.json" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
}
tfplugindocs generate
tfplugindocs validate
echo "docs: $(find docs -name '*.md' | wc -l | tr -d ' ') pages are up to date"
