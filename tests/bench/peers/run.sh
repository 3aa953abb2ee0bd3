#!/usr/bin/env bash
# Times bayesum beside its peers, on this machine, with the same data and threads.
#
#   tests/bench/peers/run.sh [COMPARISON ...]     # all when none is named: regression, counts, topics, ranks,
#                                                 # networks
#
# The peers come from PyPI into build/peers, a virtual environment that this script makes; a peer that
# cannot be had is skipped by name. PyTorch comes without CUDA from download.pytorch.org, or where that
# cannot be reached from PyPI, with some GB of CUDA's libraries that a CPU does not use. The program is build/cpu/bayesum, built if it is not there. Data are
# generated into build/peers/data (under 2 GB) and kept for the next time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../../launch/common.sh"

here=$root/tests/bench/peers
environment=$root/build/peers

make_environment() {
  [ -x "$environment/bin/python" ] || {
    command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
    python3 -m venv "$environment"
  }
  local package from
  while read -r package; do
    from=()
    [ "$package" = torch ] && from=(--retries 1 --extra-index-url https://download.pytorch.org/whl/cpu)
    "$environment/bin/pip" --quiet --disable-pip-version-check install "${from[@]}" "$package" ||
      echo "    without $package: PyPI does not give it"
  done <"$here/requirements.txt"
}

main() {
  local comparison
  case ${1:-} in
    -h | --help) usage "${BASH_SOURCE[0]}" && return ;;
    '') set -- regression counts topics ranks networks ;;
  esac
  make_environment
  build cpu bayesum
  "$root/launch/data/fetch.sh"
  mpi_environment "$cores"
  for comparison in "$@"; do
    say "Comparing: $comparison"
    "$environment/bin/python" "$here/compare.py" "$comparison" --program "$(program_of cpu)" \
      --folder "$environment/data" --threads "$cores"
  done
}

main "$@"
