#!/bin/bash
# In the playground, with cgroup-tools: a group "slow" that may run 5 ms of every 100 ms, 5 % of a CPU.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh
say cgcreate -g cpu:slow
if [ "$(version cpu)" = 1 ]; then
  say cgset -r cpu.cfs_period_us=100000 slow
  say cgset -r cpu.cfs_quota_us=5000 slow
else
  say cgset -r cpu.max="5000 100000" slow
fi
