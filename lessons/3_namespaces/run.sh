#!/bin/sh
# On the host: builds the playground's image and starts its container, with a shell in it.
# CLOCHE=docker ./run.sh does the same with docker.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}
if [ -n "$("$cloche" ps -q --filter name=lesson_3_namespaces)" ]; then
  echo "the playground is running already; ./attach.sh brings you into it" >&2
  exit 1
fi
# Debian's packages and the first finished root are kept here, for the second root and the next time.
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cloche/lessons
mkdir -p "$cache"

"$cloche" build -t lesson_3_namespaces "$here"
exec "$cloche" run -it --rm --privileged --hostname namespaces --name lesson_3_namespaces -v "$cache:/cache" lesson_3_namespaces
