#!/bin/bash
# In root_a: follows the secret. tail keeps the file open, as file descriptor 3, until Ctrl-C.
[ "$(cat /etc/debian_chroot 2>/dev/null)" = root_a ] || {
  echo "this belongs into root_a: ./run.sh on the host, ./chroot_a.sh in the playground, and then this" >&2
  exit 1
}
exec tail -f /secret.txt
