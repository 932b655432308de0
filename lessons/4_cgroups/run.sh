#!/bin/sh
# On the host: builds the playground's image and starts its container, with a shell in it.
# CLOCHE=docker ./run.sh does the same with docker.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}
if [ -n "$("$cloche" ps -q --filter name=lesson_4_cgroups)" ]; then
  echo "the playground is running already; ./attach.sh brings you into it" >&2
  exit 1
fi

"$cloche" build -t lesson_4_cgroups "$here"
exec "$cloche" run -it --rm --privileged --hostname cgroups --name lesson_4_cgroups lesson_4_cgroups
