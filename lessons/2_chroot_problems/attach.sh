#!/bin/sh
# On the host: a second shell in the running playground container.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}
if [ -z "$("$cloche" ps -q --filter name=lesson_2_chroot_problems)" ]; then
  echo "the playground is not running; ./run.sh in the first terminal starts it" >&2
  exit 1
fi
exec "$cloche" exec -it lesson_2_chroot_problems bash
