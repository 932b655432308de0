#!/bin/bash
# In the playground, with cgroup-tools: a group "small" that may use 80 MB of memory and no swap.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh
say cgcreate -g memory:small
if [ "$(version memory)" = 1 ]; then
  say cgset -r memory.limit_in_bytes=80M small
  # v1 limits memory and swap together: as much again means no swap at all.
  say cgset -r memory.memsw.limit_in_bytes=80M small || echo "  this kernel does not count swap"
else
  say cgset -r memory.max=80M small
  say cgset -r memory.swap.max=0 small || echo "  this machine has no swap to limit"
fi
