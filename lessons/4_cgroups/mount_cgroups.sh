#!/bin/bash
# In the playground: mounts the cgroup filesystems, which nobody has mounted here. There is no other
# way to speak to them: a group is a directory, a limit is a file.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh

if grep -q "^[1-9][0-9]*:[a-z]" /proc/self/cgroup; then
  # v1, or hybrid: one filesystem for each hierarchy, in a directory of its name.
  say mount -t tmpfs -o mode=755 cgroup $top
  while IFS=: read -r number controllers _; do
    case $number:$controllers in
      0:) continue ;;
      *:name=*) continue ;;
    esac
    mkdir -p "$top/$controllers"
    say mount -t cgroup -o "$controllers" cgroup "$top/$controllers"
  done < /proc/self/cgroup
else
  say mount -t cgroup2 cgroup $top
  # A group that gives controllers to its children may hold no process itself, and ours holds all of us.
  say mkdir -p $top/everybody
  while [ -n "$(<$top/cgroup.procs)" ]; do
    for pid in $(<$top/cgroup.procs); do echo "$pid" > $top/everybody/cgroup.procs || true; done
  done
  # One by one: a single one that cannot be enabled would make the kernel refuse them all.
  for controller in $(cat $top/cgroup.controllers); do
    put "+$controller" $top/cgroup.subtree_control || echo "  not $controller"
  done
fi
