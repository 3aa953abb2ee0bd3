#!/usr/bin/env bash
# Trains networks by IVON and by AdamW, and ensembles of them, tunes both alike on a part of the
# training data, and writes how well they predict into tests/experiments/RESULTS.md.
#
#   tests/experiments/run.sh [EXPERIMENT ...]     # uci, shakespeare, fashion; all when none is named
#
# Data: uci/ and tinyshakespeare.txt of the folder that BAYESUM_DATA_DIR names, and Fashion-MNIST from
# Debian's package, which this brings; what is not there is skipped by name. Two trainings run at a
# time on two cores; everything takes about twenty minutes there. Runs are kept in build/experiments, and
# what is finished is not run again: after an interruption the same command goes on.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

main() {
  case ${1:-} in
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
    '') set -- uci shakespeare fashion ;;
  esac
  build cpu bayesum
  if [[ " $* " == *" fashion "* ]]; then
    "$root/launch/data/fetch.sh" --fashion
  fi
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
  mpi_environment "$cores"
  say "Experiments: $* ($cores trainings at a time)"
  python3 "$root/tests/experiments/experiment.py" "$@" --program "$(program_of cpu)" --jobs "$cores"
}

main "$@"
