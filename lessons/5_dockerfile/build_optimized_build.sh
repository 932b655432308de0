#!/bin/sh
# Builds the image `lesson_5_node_optimized`. Flags go through: build_optimized_build.sh --no-cache.
# CLOCHE=docker ./build_optimized_build.sh does the same with docker.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_5_node_optimized -f "$here/node_optimized_build.dockerfile" "$here"
