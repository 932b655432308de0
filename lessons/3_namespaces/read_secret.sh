#!/bin/bash
# In root_b: looks for a process called tail and reads the file that it holds open as fd 3.
# If none is to be seen, it tries the pid that the other terminal told. What was read is kept in /stolen.txt.
[ "$(cat /etc/debian_chroot 2>/dev/null)" = root_b ] || {
  echo "this belongs into root_b: ./attach.sh on the host, ./chroot_b.sh in the playground, and then this" >&2
  exit 1
}
for comm in /proc/[0-9]*/comm; do
  if { read -r name < "$comm"; } 2>/dev/null && [ "$name" = tail ]; then
    pid=${comm//[!0-9]/}
  fi
done

: > /stolen.txt
if [ -n "${pid:-}" ]; then
  echo "tail is process $pid"
else
  pid=$(cat /tail.pid)
  echo "there is no process called tail here; outside it is ${pid:-nowhere}, so let us try that"
fi
cat "/proc/$pid/fd/3" | tee /stolen.txt
kill -0 "$pid" && echo "and I could kill $pid"
