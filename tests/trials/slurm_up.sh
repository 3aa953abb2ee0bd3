#!/usr/bin/env bash
# Starts a Slurm cluster of one's own on this machine, as root: one controller and several nodes that
# are all this machine, each with stand-in GPUs. Everything lies in DIR; nothing in /etc changes.
#
#   tests/trials/slurm_up.sh DIR [NODES [CPUS]]     then: export SLURM_CONF=DIR/slurm.conf
#   tests/trials/slurm_down.sh DIR
set -euo pipefail
dir=${1:?usage: slurm_up.sh DIR [NODES [CPUS]]}
nodes=${2:-2}
cpus=${3:-4}
gpus=2
host=$(hostname -s)
port=${SLURM_BASE_PORT:-$((20000 + RANDOM % 10000))}

start_munge() {
  (umask 077 && dd if=/dev/urandom of="$dir/munge/munge.key" bs=1 count=1024 status=none)
  chmod 755 "$dir" "$dir/munge"
  munged --force --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.socket" \
    --pid-file="$dir/munge/munged.pid" --log-file="$dir/log/munged.log" \
    --seed-file="$dir/munge/munged.seed" --num-threads=2
}

# Without a TmpFS of its own for each node PMIx refuses a second daemon on the host; without
# cred_expire a requeued job waits two minutes.
write_config() {
  cat >"$dir/slurm.conf" <<CONF
ClusterName=bayesum
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
SwitchType=switch/none
GresTypes=gpu
MpiDefault=pmix
PropagateResourceLimits=NONE
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=300
SlurmdParameters=config_overrides
TmpFS=$dir/tmp/%n
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1))-$((port + nodes)) CPUs=$cpus RealMemory=4096 Gres=gpu:$gpus State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
}

# A stand-in GPU is a copy of /dev/null: Slurm hands it out, and no program can compute on it.
make_gpus() {
  local gpu
  for ((gpu = 0; gpu < gpus; ++gpu)); do
    mknod "$dir/dev/nvidia$gpu" c 1 3
  done
  echo "NodeName=n[1-$nodes] Name=gpu File=$dir/dev/nvidia[0-$((gpus - 1))]" >"$dir/gres.conf"
}

start_slurm() {
  local node idle=0
  slurmctld -c
  for ((node = 1; node <= nodes; ++node)); do
    mkdir -p "$dir/spool/n$node" "$dir/tmp/n$node"
    slurmd -N "n$node" -c
  done
  for _ in $(seq 100); do
    idle=$(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)
    [ "$idle" -ne "$nodes" ] || return 0
    sleep 0.1
  done
  echo "only $idle of $nodes nodes are idle after 10 s" >&2
  sinfo -N -l >&2
  return 1
}

rm -rf "$dir"
mkdir -p "$dir"/{state,spool,log,munge,dev}
export SLURM_CONF=$dir/slurm.conf
start_munge
write_config
make_gpus
start_slurm
