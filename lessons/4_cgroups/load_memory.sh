#!/bin/bash
# In the playground: wants 200 MB at once, the one buffer of dd. There is no pipe in it, since the kernel counts a pipe's
# pages too: whoever writes into one before the memory of the killed is free makes it kill a second time.
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
echo "wanting 200 MB"
dd if=/dev/zero of=/dev/null bs=200MB count=1 status=none
code=$?
echo "dd ended with $code"
exit "$code"
