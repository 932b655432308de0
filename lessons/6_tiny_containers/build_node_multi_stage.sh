#!/bin/sh
# Builds the image `lesson_6_node_multi_stage`. Flags go through: build_node_multi_stage.sh --no-cache.
# CLOCHE=docker ./build_node_multi_stage.sh does the same with docker. The application is lesson 5's.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_6_node_multi_stage -f "$here/node_multi_stage.dockerfile" "$here/../5_dockerfile"
