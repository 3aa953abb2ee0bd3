#!/usr/bin/env bash
# Fuzzes every file format with clang's libFuzzer under the address and undefined-behaviour sanitizers.
#
#   tests/fuzz/run.sh [SECONDS [FORMAT ...]]     # 60 seconds each, all formats
#
# Starts from tests/fuzz/corpus/FORMAT; what a run adds is kept in build/fuzz/corpus/FORMAT for the
# next. A finding is left in build/fuzz/findings: mend the reader, and put the input into the corpus,
# which launch/test.sh replays with every build.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

# fuzz FORMAT SECONDS
fuzz() {
  local format=$1 seconds=$2 log=$root/build/fuzz/$1.log
  mkdir -p "$root/build/fuzz/corpus/$format" "$root/build/fuzz/findings"
  if ! "$root/build/fuzz/tests/fuzz/fuzz_$format" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$root/build/fuzz/findings/$format-" \
    "$root/build/fuzz/corpus/$format" "$root/tests/fuzz/corpus/$format" >"$log" 2>&1; then
    echo "    $format: a finding; its input is in build/fuzz/findings, the report in $log"
    grep -E 'finding:|ERROR|runtime error' "$log" | head -n 3
    return 1
  fi
  echo "    $format: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, no finding"
}

main() {
  local seconds=60
  case ${1:-} in
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
  esac
  [ $# -eq 0 ] || { seconds=$1 && shift; }
  [ $# -gt 0 ] || set -- $(cd "$root/tests/fuzz/corpus" && ls)
  "$root/launch/install.sh" build fuzz
  build fuzz "${@/#/fuzz_}"
  export root && export -f fuzz
  printf '%s\n' "$@" | xargs -P "$cores" -I FORMAT bash -c "fuzz FORMAT $seconds"
}

main "$@"
