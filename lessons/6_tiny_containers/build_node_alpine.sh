#!/bin/sh
# Builds the image `lesson_6_node_alpine`. Flags go through: build_node_alpine.sh --no-cache.
# CLOCHE=docker ./build_node_alpine.sh does the same with docker. The application is lesson 5's.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_6_node_alpine -f "$here/node_alpine.dockerfile" "$here/../5_dockerfile"
