#!/bin/bash
# In the playground: wants 200 MB at once. tail has to keep all of a last line that never ends.
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
echo "wanting 200 MB"
head -c 200000000 /dev/zero | tail -n 1 | wc -c
codes=("${PIPESTATUS[@]}")
echo "tail ended with ${codes[1]}"
exit "${codes[1]}"
