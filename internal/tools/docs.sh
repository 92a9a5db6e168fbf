#!/bin/sh
# Copyright (c) the lambdaseed authors
# SPDX-License-Identifier: MPL-2.0
#
# Rebuilds docs/ from the provider's schema, templates/ and examples/.
# Needs go and terraform, and no network: the schema is read from a provider
# that was just built, through dev_overrides, so nothing is installed and no
# registry is asked.
#
# What Terraform prints of a schema grows with its version (1.12 added
# identities). The docs are the same everywhere only with one version, so a
# machine with another one is told.
set -eu

WANT=1.11

cd "$(dirname "$0")/../.."
TERRAFORM=${TERRAFORM:-terraform}
if ! command -v "$TERRAFORM" >/dev/null; then
  echo "docs: $TERRAFORM is not in PATH; install Terraform $WANT, or name it in TERRAFORM" >&2
  exit 1
fi

# Go builds, and so the tools below, need the folders of the caller; Terraform
# must see nothing of the caller's set-up.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

CGO_ENABLED=0 go build -trimpath -o "$work/bin/terraform-provider-lambdaseed$(go env GOEXE)" .

cat >"$work/cli.tfrc" <<EOF
provider_installation {
  dev_overrides {
    "lambdaseed/lambdaseed" = "$work/bin"
  }
  direct {}
}
EOF
mkdir "$work/config"
cat >"$work/config/main.tf" <<'EOF'
terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}
EOF

export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1
unset TF_CLI_ARGS TF_DATA_DIR TF_LOG TF_PLUGIN_CACHE_DIR TF_WORKSPACE || true

have=$("$TERRAFORM" version | sed -n '1s/.* v\([0-9]*\.[0-9]*\).*/\1/p')
if [ "$have" != "$WANT" ]; then
  echo "docs: written with Terraform $have; the committed pages were written with $WANT and may differ" >&2
fi

# The generator looks for the provider by its short name.
"$TERRAFORM" -chdir="$work/config" providers schema -json >"$work/full.json"
sed 's#"registry\.[a-z]*\.[a-z]*/lambdaseed/lambdaseed"#"lambdaseed"#g' "$work/full.json" >"$work/schema.json"

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
