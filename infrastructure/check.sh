#!/usr/bin/env bash
# Formats, validates and tests the Terraform code without a network: with the
# stand-in of the provider (stub/), from a filesystem mirror, on a copy, so that
# no lock file made with the stand-in stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v terraform >/dev/null || { echo "terraform is not installed: its step is skipped"; exit 0; }

terraform -chdir="$here" fmt -check -recursive -diff

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=0.900.0
mirror=$work/mirror/registry.terraform.io/yandex-cloud/yandex/$version/linux_amd64
mkdir -p "$mirror"
(cd "$here/stub" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go vet . && go build -trimpath -o "$mirror/terraform-provider-yandex_v$version" .)
printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\ndisable_checkpoint = true\n' "$work/mirror" >"$work/cli.tfrc"
export TF_CLI_CONFIG_FILE=$work/cli.tfrc TF_IN_AUTOMATION=1 TF_PLUGIN_CACHE_DIR=
cp -r "$here/modules" "$here/envs" "$work/"
for root in "$work"/modules/* "$work"/envs/*; do
  echo "== ${root#"$work"/}"
  terraform -chdir="$root" init -backend=false -input=false -no-color >/dev/null
  terraform -chdir="$root" validate -no-color
  terraform -chdir="$root" test -no-color
done

# Validation does not see a misspelt key of an object: the tests must.
project=$work/modules/datasphere_project
for key in max_units_per_hour max_units_per_execution default_folder_id stale_exec_timeout_mode; do
  sed -i "s/^    $key  *=/    ${key}x =/" "$project/main.tf"
  terraform -chdir="$project" validate -no-color >/dev/null
  if terraform -chdir="$project" test -no-color >/dev/null 2>&1; then
    echo "a misspelt $key is not noticed by any test"
    exit 1
  fi
  sed -i "s/^    ${key}x =/    $key =/" "$project/main.tf"
done
terraform -chdir="$project" test -no-color >/dev/null
echo "misspelt keys are noticed"
