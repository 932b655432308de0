#!/bin/bash
# In the playground: a fork bomb, which runs only where pids.max holds it. It is cleared away after two
# seconds with nothing but what bash can do by itself, since no other program can be started then.
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
. ./cgroup.sh
own=$(sed -nE "s/^[0-9]+:(([^:]*,)?pids(,[^:]*)?)?:(.*)/\4/p" /proc/self/cgroup | head -n 1)
group=$(folder pids "${own#/}")
most=$(cat "$group/pids.max" 2>/dev/null)
case ${most:-none} in
  none | max)
    echo "no: nothing limits the processes of this shell (pids.max: ${most:-no such file})"
    exit 1
    ;;
esac
echo "this shell may have $most processes; here it goes"
exec {clock}<> <(:)
bomb() { bomb | bomb & }
bomb 2>&1 | { seen=0; while read -r line; do [ $((seen++)) -lt 3 ] && echo "${line#*: }"; done; } &
disown
read -r -t 2 -u "$clock"
for round in 1 2 3 4 5 6 7 8 9 10; do
  while read -r pid; do
    [ "$pid" = $$ ] || [ "$pid" = "$PPID" ] || kill -9 "$pid" 2>/dev/null
  done < "$group/cgroup.procs"
done
echo "cleared away; refused forks so far: $(<"$group/pids.events")"
