#!/bin/sh
# On the host: a second shell in the running playground container.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cloche=${CLOCHE:-$here/../../bin/cloche}

exec "$cloche" exec -it lesson_4_cgroups bash
