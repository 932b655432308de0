#!/bin/bash
# In the playground: burns a CPU for three seconds and says how much of it it got.
TIMEFORMAT='three seconds of the clock, %U + %S seconds of CPU'
time timeout 3 bash -c 'while :; do :; done'
