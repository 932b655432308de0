#!/bin/sh
# Builds the image `lesson_5_node_complex`. Flags go through: build_node_complex.sh --no-cache.
# CLOCHE=docker ./build_node_complex.sh does the same with docker.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_5_node_complex -f "$here/node_complex.dockerfile" "$here"
