#!/bin/sh
# Builds the image `lesson_5_node`. Flags go through: build_node.sh --no-cache.
# CLOCHE=docker ./build_node.sh does the same with docker.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_5_node -f "$here/node.dockerfile" "$here"
