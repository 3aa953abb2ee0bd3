#!/usr/bin/env bash
# Measures bayesum on one NVIDIA GPU, without a network and in under 8 minutes: the rules' steps on 124M
# weights beside a copy of the GPU's memory, and whole training steps of GPT-2 124M and 355M in bfloat16
# by AdamW and IVON, beside PyTorch where that is installed. One table, and one file of JSON, which is
# written after every measurement.
#
#   tests/bench/gpu.sh [--device cuda|cpu] [FILE]     # build/gpu.json where no file is named
#
# Needs what this builds:
#
#   launch/cudnn_frontend.sh && cmake --preset cuda && cmake --build build/cuda --target bayesum bench_weights
#
# --device cpu is a rehearsal with preset cpu: the same steps of the script at small sizes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

limit_s=470

python_of_peers() {
  local python=$root/build/peers/bin/python
  [ -x "$python" ] || python=$(command -v python3) || fail "python3 is not there; it runs the measurements"
  echo "$python"
}

require_gpu() {
  command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU 0' ||
    fail "there is no NVIDIA GPU here (nvidia-smi lists none): nothing was measured"
}

main() {
  local device=cuda preset out=$root/build/gpu.json program bench work status=0
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
      --device) device=${2:-} && shift 2 || fail "--device wants cuda or cpu" ;;
      -*) fail "there is no option $1; --help tells" ;;
      *) out=$1 && shift ;;
    esac
  done
  case $device in
    cuda) preset=cuda && require_gpu ;;
    cpu) preset=cpu ;;
    *) fail "--device is cuda or cpu, not '$device'" ;;
  esac
  program=$(program_of "$preset")
  bench=$root/build/$preset/tests/bench/bench_weights
  [ -x "$program" ] && [ -x "$bench" ] ||
    fail "there is no $program or $bench: build them as --help tells"
  work=$(mktemp -d "${TMPDIR:-/tmp}/bayesum-gpu-XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  mpi_environment 1
  mkdir -p "$(dirname "$out")"
  timeout "$limit_s" "$(python_of_peers)" "$root/tests/bench/gpu.py" --device "$device" \
    --program "$program" --bench "$bench" --folder "$work" --out "$out" || status=$?
  [ "$status" -ne 124 ] || fail "$limit_s seconds are over; what was measured until then is in $out"
  return "$status"
}

main "$@"
