#!/usr/bin/env bash
# Tries launch/slurm/train.sbatch on a Slurm of this machine's own, as root: two nodes that are both
# this machine. Shows that
#   - a job over two nodes gives the posterior of one rank, byte for byte;
#   - a job stopped by a signal is queued again, goes on, and ends with the same bytes;
#   - a job that lost a rank fails at once.
# Exits with 77 where Slurm cannot be installed or run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../launch/common.sh"

trials=$root/tests/trials
work=$(mktemp -d)
config=$root/launch/configs/poisson-randhie.toml

# Small steps and no stopping early: long enough to be interrupted.
slow=(--rule.name blr --rule.rho 0.01 --stop.steps 600 --stop.residual 0 --stop.elbo 0)

finish() {
  "$trials/slurm_down.sh" "$work/slurm" || true
  if [ -n "${keep_work:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}

# submit NAME ARGUMENT...: queues a training into $work/NAME over two nodes; prints the job's number.
submit() {
  local name=$1
  shift
  sbatch --parsable --nodes=2 --ntasks-per-node=1 --output="$work/$name.log" \
    "$root/launch/slurm/train.sbatch" "$config" --run.dir "$work/$name" "$@"
}

# property JOB NAME: what Slurm says of a job, such as JobState or Restarts.
property() { scontrol -o show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }

# wait_until SECONDS WHAT COMMAND...: until the command succeeds.
wait_until() {
  local seconds=$1 what=$2 tenth
  shift 2
  for ((tenth = 0; tenth < 10 * seconds; ++tenth)); do
    ! "$@" || return 0
    sleep 0.1
  done
  keep_work=1
  tail -n 20 "$work"/*.log >&2
  fail "after $seconds s $what"
}

has_ended() { [[ $(property "$1" JobState) =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL) ]]; }

has_stepped() { [ "$(wc -l 2>/dev/null <"$work/$1/metrics.jsonl" || echo 0)" -ge 5 ]; }

was_requeued() { [ "$(property "$1" Restarts)" = 1 ]; }

# expect_said NAME WORDS: in what the job printed.
expect_said() { grep -qF "$2" "$work/$1.log" || fail "job $1 did not say '$2'"; }

# expect_completed JOB NAME REFERENCE
expect_completed() {
  wait_until 120 "job $2 had not ended" has_ended "$1"
  [ "$(property "$1" JobState)" = COMPLETED ] || { tail -n 20 "$work/$2.log" && fail "job $2 failed"; }
  expect_said "$2" "on 2 ranks (mpi"
  same_posterior "$work/$2" "$work/$3" || fail "the posterior of job $2 is not that of one rank"
}

try_plain() {
  say "A job over two nodes"
  "$BAYESUM_BIN" train "$config" --run.dir "$work/plain-one-rank" >"$work/plain-one-rank.log" 2>&1
  expect_completed "$(submit plain)" plain plain-one-rank
  echo "    the same posterior as one rank"
}

try_requeue() {
  say "A job stopped by a signal"
  "$BAYESUM_BIN" train "$config" --run.dir "$work/slow-one-rank" "${slow[@]}" \
    >"$work/slow-one-rank.log" 2>&1
  local job
  job=$(submit stopped "${slow[@]}")
  wait_until 60 "the job had made no steps" has_stepped stopped
  scancel -s USR1 "$job"
  wait_until 60 "the job was not queued again" was_requeued "$job"
  expect_completed "$job" stopped slow-one-rank
  expect_said stopped "going on from the checkpoint"
  echo "    queued again, and the same posterior as one rank that was not stopped"
}

try_killed_rank() {
  say "A job that loses a rank"
  local job rank start
  job=$(submit killed "${slow[@]}" --stop.steps 1000000)
  wait_until 60 "the job had made no steps" has_stepped killed
  rank=$(pgrep -f "^$BAYESUM_BIN train .*$work/killed" | tail -n 1)
  start=$SECONDS
  kill -KILL "$rank"
  wait_until 30 "the job still ran" has_ended "$job"
  [ "$(property "$job" JobState)" = FAILED ] || fail "the job is $(property "$job" JobState), not FAILED"
  echo "    FAILED with $(property "$job" ExitCode) after $((SECONDS - start)) s"
}

[ "$EUID" -eq 0 ] || { echo "a Slurm of one's own needs root" && exit 77; }
("$root/launch/install.sh" slurm) || exit 77
"$root/launch/data/fetch.sh"
build "$(default_preset)" bayesum
BAYESUM_BIN=$(program_of "$(default_preset)")
export BAYESUM_BIN

# The two nodes share one /dev/shm and one loopback: their ranks must speak over TCP.
export OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
trap finish EXIT
cd "$root"
"$trials/slurm_up.sh" "$work/slurm" 2 4
export SLURM_CONF=$work/slurm/slurm.conf
try_plain
try_requeue
try_killed_rank
