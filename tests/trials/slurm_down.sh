#!/usr/bin/env bash
# Stops the cluster that slurm_up.sh started in DIR, and returns when its daemons are gone.
set -u
dir=${1:?usage: slurm_down.sh DIR}
export SLURM_CONF=$dir/slurm.conf

# The daemons that still run, by the numbers that they wrote down. One that has ended may stand in the
# list of processes, as Z, until the system has cleared it away.
alive() {
  local pid
  for pid in $pids; do
    grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status" && echo "$pid"
  done
}

pids=$(cat "$dir"/slurmctld.pid "$dir"/slurmd-*.pid "$dir"/munge/munged.pid 2>/dev/null)
scontrol shutdown >/dev/null 2>&1
for tenth in $(seq 50); do
  left=$(alive)
  [ -n "$left" ] || exit 0
  signal=
  [ "$tenth" -lt 10 ] || signal=TERM
  [ "$tenth" -lt 40 ] || signal=KILL
  # shellcheck disable=SC2086  # one number each
  [ -z "$signal" ] || kill -s "$signal" $left 2>/dev/null
  sleep 0.1
done
echo "daemons that would not end: $left" >&2
exit 1
