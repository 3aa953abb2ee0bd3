#!/usr/bin/env bash
# Builds bayesum and runs its tests.
#
#   launch/test.sh [--full]
#
# --full adds what takes longer: the long rounds of the tests, all tests again under the address and
# thread sanitizers, the fuzzers, the seeded faults, and the trials of large data, of Slurm and of the
# container image.
#
# Environment: BAYESUM_CUDA=ON compiles the CUDA twins too (preset cuda) and requires CUDA and NCCL;
# BAYESUM_REQUIRE_CUDA=1 turns the skip of a test that needs a GPU into a failure; BAYESUM_DATA_DIR
# is a folder of reference data that some tests read.
#
# A skipped test must be expected where it is skipped: see tests/expected_skips.txt.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

passed=0 failed=0 skipped=0
failures=()

# add_counts FILE: adds the passed, failed and skipped that FILE holds to the totals.
add_counts() {
  local more_passed more_failed more_skipped
  read -r more_passed more_failed more_skipped <"$1"
  passed=$((passed + more_passed)) failed=$((failed + more_failed))
  skipped=$((skipped + more_skipped))
}

# run_ctest PRESET: every test of a built preset, then its skips against those expected.
run_ctest() {
  local folder=$root/build/$1 results=$root/build/$1/results.xml counts=$root/build/$1/counts.txt
  rm -f "$results" "$counts"
  say "Running the tests of preset $1"
  ctest --test-dir "$folder" --parallel "$cores" --output-on-failure --output-junit "$results" \
    </dev/null || failures+=("tests of preset $1")
  python3 "$root/tests/skips.py" --preset "$1" --counts "$counts" "$results" \
    "$root/tests/expected_skips.txt" || failures+=("skips of preset $1")
  add_counts "$counts"
}

# run_script NAME SCRIPT: a script that tests; it counts as one test, skipped if it exits with 77.
run_script() {
  local code=0
  say "Running $1"
  "$2" </dev/null || code=$?
  case $code in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) && echo "    skipped: $1" ;;
    *) failed=$((failed + 1)) && failures+=("$1") ;;
  esac
}

run_sanitizers() {
  export LSAN_OPTIONS=suppressions=$root/tests/sanitizers/lsan.supp:print_suppressions=0
  export TSAN_OPTIONS=suppressions=$root/tests/sanitizers/tsan.supp
  local preset
  for preset in asan tsan; do
    build "$preset"
    run_ctest "$preset"
  done
}

report() {
  local failure
  for failure in ${failures[@]+"${failures[@]}"}; do
    echo "failed: $failure"
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ ${#failures[@]} -eq 0 ]
}

main() {
  local preset full=
  case ${1:-} in
    '') ;;
    --full) full=1 ;;
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
    *) fail "unknown argument '$1'; see $0 --help" ;;
  esac
  preset=$(default_preset)
  "$root/launch/install.sh"
  "$root/launch/data/fetch.sh" || echo "    without the example data; the tests that read them will say so"
  mpi_environment "$cores"
  build "$preset"
  BAYESUM_LONG=${full:-${BAYESUM_LONG:-0}} run_ctest "$preset"
  if [ -n "$full" ]; then
    run_sanitizers
    run_script "the fuzzers" "$root/tests/fuzz/run.sh"
    run_script "the seeded faults" "$root/tests/faults/run.sh"
    run_script "the trial of rows that memory cannot hold" "$root/tests/trials/large.sh"
    run_script "the trial of Slurm" "$root/tests/trials/slurm.sh"
    run_script "the trial of the image" "$root/tests/trials/image.sh"
  fi
  report
}

main "$@"
