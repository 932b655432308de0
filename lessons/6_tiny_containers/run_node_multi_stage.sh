#!/bin/sh
# Runs `lesson_6_node_multi_stage` until Ctrl-C; it answers on https://localhost:3000.
# CLOCHE=docker ./run_node_multi_stage.sh does the same with docker.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" run -it --rm --name lesson_6_node_multi_stage -p 3000:3000 lesson_6_node_multi_stage
