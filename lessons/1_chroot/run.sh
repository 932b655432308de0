#!/bin/sh
# On the host: builds the playground's image and starts its container, with a shell in it.
# CLOCHE=docker ./run.sh does the same with docker.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}
if [ -n "$("$cloche" ps -q --filter name=lesson_1_chroot)" ]; then
  echo "the playground is running already; ./attach.sh brings you into it" >&2
  exit 1
fi

"$cloche" build -t lesson_1_chroot "$here"
exec "$cloche" run -it --rm --privileged --hostname chroot --name lesson_1_chroot lesson_1_chroot
