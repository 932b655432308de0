#!/bin/sh
# Builds the image `lesson_6_node_distroless`. Flags go through: build_node_distroless.sh --no-cache.
# CLOCHE=docker ./build_node_distroless.sh does the same with docker. The application is lesson 5's.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_6_node_distroless -f "$here/node_distroless.dockerfile" "$here/../5_dockerfile"
