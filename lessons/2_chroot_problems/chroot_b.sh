#!/bin/bash
# In the playground: makes root_b and starts bash in it.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
./make_root.sh /root_b
cp read_secret.sh /root_b/
rm -f /root_b/stolen.txt
mountpoint -q /root_b/proc || mount -t proc proc /root_b/proc

echo "now in root_b: ./read_secret.sh"
exec chroot /root_b bash
