#!/usr/bin/env bash
# Layout, scripts and clang-tidy. The layers and heavy headers are a test (tests/structure).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

status=0
say() { printf 'lint: %s\n' "$*"; }

say "layout (clang-format)"
git ls-files '*.cc' '*.h' | xargs clang-format-19 --dry-run --Werror || status=1

say "scripts (shellcheck)"
{
  git ls-files '*.sh'
  echo run
  echo .ci/run
} | xargs shellcheck --external-sources || status=1

# A checkout without a remote (CI's) compares with the commit before.
base=$(git merge-base HEAD origin/main 2>/dev/null || true)
if [[ -z $base || $base == "$(git rev-parse HEAD)" ]]; then
  base=$(git rev-parse --verify -q HEAD~1 || true)
fi
if [[ ${1:-} == --all || -z $base ]]; then
  mapfile -t changed < <(git ls-files 'src/*.cc')
else
  mapfile -t changed < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cc')
fi
if ((${#changed[@]})); then
  say "clang-tidy on ${#changed[@]} files"
  printf '%s\n' "${changed[@]}" |
    xargs -P "$(nproc)" -n 1 clang-tidy-19 -p build/dev --quiet || status=1
fi
if ((status == 0)); then say "clean"; else say "failed: the lines above say where; ./run fmt mends the layout"; fi
exit "$status"
