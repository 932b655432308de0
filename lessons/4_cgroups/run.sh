#!/bin/sh
# On the host: builds the playground's image and starts its container, with a shell in it.
# CLOCHE=docker ./run.sh does the same with docker.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}

"$cloche" build -t lesson_4_cgroups "$here"
exec "$cloche" run -it --rm --privileged --hostname cgroups --name lesson_4_cgroups lesson_4_cgroups
