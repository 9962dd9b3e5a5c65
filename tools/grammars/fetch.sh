#!/usr/bin/env bash
# fetch.sh FOLDER: the packages of package-lock.json into FOLDER/node_modules. The digests in the
# lock file are checked by npm; no script of a package is run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
folder=$1
command -v npm >/dev/null || {
  echo "fetch.sh: npm is missing; ./run setup installs it" >&2
  exit 1
}
mkdir -p "$folder"
cp package.json package-lock.json "$folder"/
for attempt in 1 2 3; do
  if npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error; then
    exit 0
  fi
  echo "fetch.sh: attempt $attempt of 3 failed" >&2
done
exit 1
