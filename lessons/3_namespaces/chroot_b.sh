#!/bin/bash
# In the playground: makes root_b and starts bash in it, in namespaces of its own.
#   ./chroot_b.sh [KIND…]      default: mount uts ipc net pid
#   ./chroot_b.sh none         as in the lesson before
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./namespaces.sh
./make_root.sh /root_b
cp read_secret.sh /root_b/
rm -f /root_b/stolen.txt
# What the first terminal could tell you on the telephone: the pid of its tail, seen from out here.
pgrep -x tail > /root_b/tail.pid || true
mountpoint -q /root_b/proc || mount -t proc proc /root_b/proc

[ $# -gt 0 ] || set -- mount uts ipc net pid
echo "now in root_b: ./read_secret.sh"
enter /root_b "$@"
