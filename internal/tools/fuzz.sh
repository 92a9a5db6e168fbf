#!/bin/sh
# Copyright (c) the lambdaseed authors
# SPDX-License-Identifier: MPL-2.0
#
# Runs every fuzz test of the module, one after the other, each for the time
# that is given (Go runs one fuzz test of one package at a time).
#
#   sh internal/tools/fuzz.sh [TIME]     TIME as Go writes it: 10s, 2m; default 20s
set -eu

cd "$(dirname "$0")/../.."
time=${1:-20s}
count=0
failed=0

list=$(grep -rE --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]+\(' internal main_test.go 2>/dev/null |
  sed -E 's#^(.*)/[^/]+:func (Fuzz[A-Za-z0-9_]+)\(.*#\1 \2#' | sort -u) || true

while read -r dir name; do
  [ -n "$dir" ] || continue
  echo "fuzz: $name in $dir for $time"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$dir" || failed=$((failed + 1))
  count=$((count + 1))
done <<EOF
$list
EOF
if [ "$failed" -gt 0 ]; then
  echo "fuzz: $count fuzz tests ran, $failed of them found something" >&2
  exit 1
fi
echo "fuzz: $count fuzz tests ran, nothing new was found"
