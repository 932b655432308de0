#!/bin/bash
# In the playground: makes root_a, puts a secret into it, and starts bash in it, in namespaces of its own.
#   ./chroot_a.sh [KIND…]      default: mount uts ipc net pid
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./namespaces.sh
./make_root.sh /root_a
cp tail.sh /root_a/
echo "the secret of root_a is $(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')" > /root_a/secret.txt
chmod 600 /root_a/secret.txt
mountpoint -q /root_a/proc || mount -t proc proc /root_a/proc

[ $# -gt 0 ] || set -- mount uts ipc net pid
echo "now in root_a: ./tail.sh"
enter /root_a "$@"
