#!/usr/bin/env bash
# fetch.sh FOLDER: the packages of grammars.txt into FOLDER/NAME. An archive is unpacked only when
# its digest is the table's; no script of a package is run, and none of its dependencies is fetched.
set -euo pipefail
TABLE=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/grammars.txt
readonly TABLE
readonly ATTEMPTS=5  # with pauses of 2, 4, 8 and 16 s: a registry that is down for half a minute
folder=$1

command -v npm >/dev/null || {
  echo "fetch.sh: npm is missing; ./run setup installs it" >&2
  exit 1
}

# download NAME VERSION FOLDER
download() {
  npm pack "$1@$2" --pack-destination "$3" --silent --fetch-retries=0 --fetch-timeout=60000 >/dev/null
}

# fetch NAME VERSION DIGEST
fetch() {
  local archive=$work/$1-$2.tgz attempt
  for ((attempt = 1; attempt <= ATTEMPTS; ++attempt)); do
    if download "$1" "$2" "$work" && sha512sum --check --status <<<"$3  $archive"; then
      rm -rf "${folder:?}/$1"
      mkdir -p "$folder/$1"
      # --touch: a package's own dates are years old, and a build would not see that a file changed
      tar --touch -xzf "$archive" --strip-components=1 -C "$folder/$1"
      return
    fi
    rm -f "$archive"
    echo "fetch.sh: $1 $2: not downloaded, or not with the digest of $TABLE ($attempt of $ATTEMPTS)" >&2
    ((attempt == ATTEMPTS)) || sleep $((2 ** attempt))
  done
  echo "fetch.sh: gave up on $1 $2; see whether \`npm view $1\` answers, then run the build again" >&2
  return 1
}

mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while read -r name version digest; do
  [[ $name == '#'* ]] || fetch "$name" "$version" "$digest"
done <"$TABLE"
