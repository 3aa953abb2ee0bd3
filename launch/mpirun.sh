#!/usr/bin/env bash
# Runs bayesum on several ranks, on this machine or on several.
#
#   launch/mpirun.sh -n RANKS [--hosts A,B,... | --hostfile FILE] COMMAND [ARGUMENT ...]
#
#   launch/mpirun.sh -n 2 train launch/configs/poisson-randhie.toml
#   launch/mpirun.sh -n 8 --hosts node1,node2 train my.toml --resume auto
#
#   -n RANKS         ranks in all, shared out evenly over the hosts in blocks
#   --hosts A,B      machines that ssh reaches without a password
#   --hostfile FILE  the same, one machine a line
#
# bayesum, its libraries and the folder it is started in must have the same paths on every machine.
# Each rank computes with cores / ranks-per-host threads unless OMP_NUM_THREADS says otherwise, and
# rank r of a host uses GPU r modulo the GPUs there. Variables named BAYESUM_*, OMP_*, OPENBLAS_*
# and NCCL_* reach every rank, and so do PATH and LD_LIBRARY_PATH. BAYESUM_BIN names the program
# where it is not the one built here. kill -USR1 of mpirun stops a training with a checkpoint.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# built_program: the program with CUDA where that was built, else the one without.
built_program() {
  local preset
  for preset in cuda cpu; do
    [ -x "$(program_of "$preset")" ] && program_of "$preset" && return
  done
  fail "bayesum is not built: run launch/quickstart.sh, or name the program in BAYESUM_BIN"
}

# read_hosts FILE: the machines of a host file as A,B; what follows a name on its line is left out.
read_hosts() {
  [ -r "$1" ] || fail "cannot read the host file $1"
  awk '!/^ *(#|$)/ { printf "%s%s", separator, $1; separator = "," }' "$1"
}

ranks='' hosts=''
while [ $# -gt 0 ]; do
  case $1 in
    -n) ranks=${2:-} ;;
    --hosts) hosts=${2:-} ;;
    --hostfile) hosts=$(read_hosts "${2:-}") ;;
    -h | --help) usage "${BASH_SOURCE[0]}" && exit ;;
    -*) fail "unknown option '$1'; see $0 --help" ;;
    *) break ;;
  esac
  [ $# -ge 2 ] || fail "$1 needs a value; see $0 --help"
  shift 2
done
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "-n must be a positive number of ranks, not '$ranks'"
[ $# -gt 0 ] || fail "nothing to run; see $0 --help"
program=${BAYESUM_BIN:-$(built_program)}

IFS=, read -ra host_list <<<"${hosts:-localhost}"
per_host=$(((ranks + ${#host_list[@]} - 1) / ${#host_list[@]}))
mpi_environment "$per_host"

options=(-np "$ranks")
[ -z "$hosts" ] || options+=(--host "$(printf "%s:$per_host," "${host_list[@]}")" --map-by slot)
for name in $(compgen -e); do
  [[ $name =~ ^(BAYESUM_|OMP_|OPENBLAS_|NCCL_|PATH$|LD_LIBRARY_PATH$) ]] && options+=(-x "$name")
done
exec mpirun "${options[@]}" "$program" "$@"
