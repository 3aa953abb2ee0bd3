#!/usr/bin/env bash
# Shows that the tests can fail: applies each seeded fault to a copy of the tree, builds, and expects
# the test that the patch names to fail.
#
#   tests/faults/run.sh [NAME ...]     # all, or those of these names
#
# A patch begins with two lines: "Target: a test binary" and "Test: a ctest regular expression". The
# tests named must pass before the patch and fail with it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

work=$root/build/faults
source_copy=$work/source
build_folder=$source_copy/build/cpu

# The copy has its files where the tree has them, so that ccache has compiled most of it already.
export CCACHE_BASEDIR=$source_copy

# field NAME PATCH: what follows "NAME: " in the head of a patch.
field() { sed -n "s/^$1: //p" "$2" | head -n 1; }

# build_and_test PATCH: builds its target and runs its tests; the status is ctest's, or 99 when it does
# not build, or 98 when there is no such test.
build_and_test() {
  local log=$work/log.txt
  cmake --build "$build_folder" --target "$(field Target "$1")" >"$log" 2>&1 || return 99
  ctest --test-dir "$build_folder" -R "$(field Test "$1")" --no-tests=error >"$log" 2>&1 || {
    grep -q "No tests were found" "$log" && return 98
    return 1
  }
}

# try PATCH: is the fault found?
try() {
  local name code=0
  name=$(basename "$1" .patch)
  if ! patch --directory "$source_copy" --strip 1 --forward --silent <"$1" >"$work/patch.txt"; then
    echo "    $name: the patch does not apply: $(head -n 1 "$work/patch.txt")"
    return 1
  fi
  build_and_test "$1" || code=$?
  patch --directory "$source_copy" --strip 1 --reverse --silent <"$1"
  case $code in
    1) echo "    $name: found by $(field Test "$1")" ;;
    0) echo "    $name: NOT FOUND by $(field Test "$1")" && return 1 ;;
    98) echo "    $name: there is no test $(field Test "$1")" && return 1 ;;
    *) echo "    $name: does not build: $(grep -m 1 'error:' "$work/log.txt")" && return 1 ;;
  esac
}

copy_tree() {
  mkdir -p "$source_copy"
  (cd "$root" && git ls-files -z | tar --create --null --files-from - --ignore-failed-read) |
    tar --extract --directory "$source_copy"
  cmake -S "$source_copy" --preset cpu >"$work/configure.txt"
}

main() {
  local patches=() name failed=0 found=0
  for name in "$@"; do patches+=("$root/tests/faults/$name.patch"); done
  [ ${#patches[@]} -gt 0 ] || patches=("$root"/tests/faults/*.patch)
  mpi_environment "$cores"
  say "Seeded faults: ${#patches[@]}, in a copy of the tree"
  rm -rf "$source_copy"
  copy_tree
  for patch in "${patches[@]}"; do
    build_and_test "$patch" || fail "$(field Test "$patch") does not pass without the fault; see $work/log.txt"
  done
  for patch in "${patches[@]}"; do
    if try "$patch"; then found=$((found + 1)); else failed=$((failed + 1)); fi
  done
  echo "    $found faults found, $failed not"
  [ "$failed" -eq 0 ]
}

main "$@"
