#!/bin/bash
# In the playground: runs a command in a group, by writing its own pid into the group first.
#   ./in_group.sh CONTROLLER GROUP COMMAND…
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh
echo $$ > "$(folder "$1" "$2")/cgroup.procs" || exit
shift 2
exec "$@"
