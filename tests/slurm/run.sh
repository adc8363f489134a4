#!/usr/bin/env bash
# The tests that need SLURM, against a real one on this machine with four pretended GPUs: `make test-slurm`.
# Installs Debian's packages, starts the daemons on 127.0.0.1, runs pytest on this folder and stops what it started.
# Where that cannot be (no root, not Debian or Ubuntu, no packages) it says so and ends well: nothing was tested.
# A SLURM that is configured here already is left alone, with exit code 1. Packages stay installed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
etc=/etc/slurm
mark="# written by $0 of SoundCLR's tests, and removed by it"
daemons=()

skip() { printf '\n*** make test-slurm: SKIPPED: %s. Nothing was tested with SLURM. ***\n\n' "$1" >&2; exit 0; }
refuse() { echo "make test-slurm: $1" >&2; exit 1; }
ours() { [ "$(head -c "${#mark}" "$1" 2> /dev/null)" = "$mark" ]; }

install_packages() {
  command -v slurmctld slurmd sbatch munged > /dev/null && return
  command -v apt-get > /dev/null || skip "no apt-get: this is not Debian or Ubuntu"
  # No service may start by itself; a machine that has a policy keeps it.
  local policy=/usr/sbin/policy-rc.d log
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod 755 $policy; trap "rm -f $policy" RETURN; }
  log=$(mktemp)
  echo "Installing slurmctld, slurmd, slurm-client and munge ..."
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
      slurmctld slurmd slurm-client munge; } > "$log" 2>&1; then
    tail -5 "$log" >&2
    skip "the packages cannot be installed (above, and $log)"
  fi
  rm -f "$log"
}

configure() {
  local host index
  host=$(hostname -s)
  mkdir -p "$etc" "$state"/{state,spool,run,log,dev}
  for index in 0 1 2 3; do ln -s /dev/null "$state/dev/nvidia$index"; done
  printf '%s\nName=gpu File=%s/dev/nvidia[0-3]\n' "$mark" "$state" > $etc/gres.conf
  cat > $etc/slurm.conf << END
$mark
# state: $state
ClusterName=soundclr
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$state/state
SlurmdSpoolDir=$state/spool
SlurmctldPidFile=$state/run/slurmctld.pid
SlurmdPidFile=$state/run/slurmd.pid
SlurmctldLogFile=$state/log/slurmctld.log
SlurmdLogFile=$state/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
# more CPUs than there may be: they are only counted
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
ReturnToService=2
MinJobAge=3600
KillWait=5
UnkillableStepTimeout=600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=16000 Gres=gpu:4 State=UNKNOWN
PartitionName=gpu Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

start() {
  if ! munge -n > /dev/null 2>&1; then
    install -d -o munge -g munge -m 755 /run/munge
    runuser -u munge -- /usr/sbin/munged 9>&-
    daemons+=(munged:/run/munge/munged.pid)
  fi
  slurmctld 9>&-
  python3 "$here/reaper.py" slurmd -D > /dev/null 2>&1 9>&- &
  for _ in $(seq 60); do
    [ "$(timeout 20 sinfo --noheader --format=%t 2> /dev/null)" = idle ] && return
    sleep 0.5
  done
  tail -n 5 "$state"/log/*.log >&2
  refuse "the node does not get ready (logs above)"
}

# Ends a daemon by its pid file, and only if that process is it.
end() {
  local pid
  pid=$(cat "$2" 2> /dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$1" ] || return 0
  kill "$pid" 2> /dev/null || return 0
  for _ in $(seq 100); do
    case "$(cut -d' ' -f3 "/proc/$pid/stat" 2> /dev/null)" in '' | Z) return 0 ;; esac
    sleep 0.1
  done
  kill -9 "$pid" 2> /dev/null || true
}

stop() {
  local file daemon
  trap '' INT TERM
  [ -n "${state:-}" ] || return 0
  timeout 20 scancel --quiet --user=root 2> /dev/null || true
  for _ in $(seq 120); do
    [ -z "$(timeout 5 squeue --noheader --states=running,completing 2> /dev/null)" ] && break
    sleep 0.5
  done
  end slurmd "$state/run/slurmd.pid"
  end slurmctld "$state/run/slurmctld.pid"
  for daemon in "${daemons[@]}"; do end "${daemon%%:*}" "${daemon#*:}"; done
  for file in slurm.conf gres.conf; do if ours "$etc/$file"; then rm -f "$etc/$file"; fi; done
  rm -rf "$state"
}

[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip "SLURM's daemons need root on Linux"
exec 9> /run/lock/soundclr-test-slurm.lock
flock -n 9 || refuse "runs already on this machine; wait until it is done"
if [ -e $etc/slurm.conf ]; then
  ours $etc/slurm.conf || refuse "$etc/slurm.conf is there: a SLURM of yours, which these tests leave alone; run them elsewhere"
  echo "Removing what a killed run of these tests left ..."
  state=$(sed -n 's/^# state: //p' $etc/slurm.conf)
  stop
fi
install_packages
state=$(mktemp -d /tmp/soundclr-slurm-XXXXXX)
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
configure
start
SOUNDCLR_TEST_SLURM=$state "$@" 9>&-
