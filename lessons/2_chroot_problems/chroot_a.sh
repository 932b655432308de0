#!/bin/bash
# In the playground: makes root_a, puts two secrets into it, and starts bash in it.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
./make_root.sh /root_a
cp tail.sh /root_a/
echo "the secret of root_a is $(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')" > /root_a/secret.txt
echo "nobody has opened this diary, page $(od -An -N4 -tu4 /dev/urandom | tr -d ' \n')" > /root_a/root/diary.txt
chmod 600 /root_a/secret.txt /root_a/root/diary.txt
mountpoint -q /root_a/proc || mount -t proc proc /root_a/proc

echo "now in root_a: ./tail.sh"
exec chroot /root_a bash
