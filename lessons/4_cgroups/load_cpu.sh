#!/bin/bash
# In the playground: burns a CPU for three seconds and says how much of it it got.
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
TIMEFORMAT='three seconds of the clock, %U + %S seconds of CPU'
time timeout 3 bash -c 'while :; do :; done'
