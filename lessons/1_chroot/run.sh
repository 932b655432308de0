#!/bin/sh
# On the host: builds the playground's image and starts its container, with a shell in it.
# CLOCHE=docker ./run.sh does the same with docker.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}

"$cloche" build -t lesson_1_chroot "$here"
exec "$cloche" run -it --rm --privileged --hostname chroot --name lesson_1_chroot lesson_1_chroot
