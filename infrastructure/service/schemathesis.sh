#!/usr/bin/env bash
# Tries every operation of a running service against its own description.
# Usage: schemathesis.sh BINARY [EXAMPLES]
set -euo pipefail
binary=$(realpath "$1")
examples=${2:-15}

st=()
for candidate in "st" "schemathesis" "python3 -m schemathesis.cli"; do
  if $candidate --version >/dev/null 2>&1; then
    read -ra st <<<"$candidate"
    break
  fi
done
if [ ${#st[@]} -eq 0 ]; then
  echo "schemathesis is not installed (python3 -m pip install schemathesis): the API is not tried"
  exit 0
fi

work=$(mktemp -d)
server=
clean() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
  rm -rf "$work"
}
trap clean EXIT
cd "$work"

# A small shop, so that there is something to read; its trainings are quick.
"$binary" simulate --products 40 --months 8 --seed 1 --out "$work/shop" --quiet >/dev/null
export DATA_ROOT_DIR="$work/root" PLASTINKA_TODAY=2026-01-01 ENGINE=baseline JOB_REFRACTORY_SECONDS_DEFAULT=0
files=()
for f in "$work"/shop/sales-*; do files+=(--sales "$f"); done
"$binary" upload --stock "$work/shop/stock.xlsx" "${files[@]}" --snapshot-date 2026-01-01 --quiet >/dev/null
"$binary" train --quiet >/dev/null

"$binary" keys --json >keys.json
value() { python3 -c 'import json,sys; print(json.load(open("keys.json"))[sys.argv[1]])' "$1"; }
export API_X_API_KEY_HASH API_ADMIN_API_KEY_HASH
API_X_API_KEY_HASH=$(value API_X_API_KEY_HASH)
API_ADMIN_API_KEY_HASH=$(value API_ADMIN_API_KEY_HASH)
API_PORT=0 "$binary" serve >out.txt 2>log.txt &
server=$!
address=
for _ in $(seq 100); do
  address=$(sed -n 's/.*listens on \(http:[^ ]*\).*/\1/p' out.txt)
  [ -z "$address" ] || break
  sleep 0.1
done
[ -n "$address" ] || { cat out.txt log.txt; echo "the service did not start"; exit 1; }

# 4xx rates of made-up values are no failures; negative_data_rejection is left
# out: unknown members and null ones are taken on purpose.
status=0
"${st[@]}" run "$address/openapi.json" \
  -H "X-API-Key: $(value api_key)" -H "Authorization: Bearer $(value admin_token)" \
  --checks not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance,response_headers_conformance,unsupported_method,allow_header_conformance,ignored_auth \
  --max-examples "$examples" --no-color >report.txt 2>&1 || status=$?
if [ $status -ne 0 ]; then
  cat report.txt
  tail -50 log.txt
  exit $status
fi
tail -25 report.txt
