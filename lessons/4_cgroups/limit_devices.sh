#!/bin/bash
# In the playground, by writing the files: a group "blind" that may not open /dev/urandom, which is the
# character device 1:9.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh
blind=$(folder devices blind)
say mkdir -p "$blind"
if [ "$(version devices)" = 1 ]; then
  put "c 1:9 rwm" "$blind/devices.deny"
else
  echo "v2 has no files for devices: an engine attaches a small BPF program to the group instead."
fi
