#!/bin/bash
# Sourced by the others: where a controller's files are, on cgroup v1, hybrid and v2.
top=/sys/fs/cgroup

# version CONTROLLER: 1 where a hierarchy of its own has it, else 2.
# /proc/self/cgroup has one line a hierarchy, "4:memory:/…"; v2's is "0::/…".
version() {
  if grep -qE "^[1-9][0-9]*:([^:]*,)?$1(,[^:]*)?:" /proc/self/cgroup; then echo 1; else echo 2; fi
}

# folder CONTROLLER GROUP: the group's directory.
folder() {
  if [ "$(version "$1")" = 2 ]; then echo "$top/$2"; else
    echo "$top/$(sed -nE "s/^[0-9]+:(([^:]*,)?$1(,[^:]*)?):.*/\1/p" /proc/self/cgroup)/$2"
  fi
}

# Shows a command and runs it.
say() {
  echo "+ $*"
  "$@"
}

# Shows and does: echo VALUE > FILE
put() {
  echo "+ echo $1 > $2"
  echo "$1" > "$2"
}
