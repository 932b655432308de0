#!/bin/sh
# Runs `lesson_5_node_optimized` until Ctrl-C; it answers on https://localhost:3000.
# CLOCHE=docker ./run_optimized_build.sh does the same with docker.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" run -it --rm --name lesson_5_node_optimized -p 3000:3000 lesson_5_node_optimized
