#!/bin/sh
# Builds only the first stage of the two as `lesson_6_node_fat`, to compare. Flags go through.
# CLOCHE=docker ./build_node_fat.sh does the same with docker. The application is lesson 5's.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${CLOCHE:-$here/../../bin/cloche}" build "$@" -t lesson_6_node_fat -f "$here/node_multi_stage.dockerfile" --target build "$here/../5_dockerfile"
