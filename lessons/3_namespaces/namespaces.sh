#!/bin/bash
# Sourced by chroot_a.sh and chroot_b.sh: starts bash in a root, in new namespaces of the kinds named.
#   enter /root_b mount uts ipc net pid
#   enter /root_b none
enter() {
  local root=$1 kind flags=()
  shift
  for kind in "$@"; do
    case $kind in
      none) ;;
      mount | uts | ipc | net) flags+=("--$kind") ;;
      # A pid namespace is of use only with a /proc that belongs to it; mounting that takes a mount namespace.
      pid) flags+=(--pid --fork --kill-child "--mount-proc=$root/proc") ;;
      user) flags+=(--user --map-root-user) ;;
      *)
        echo "'$kind' is none of: none mount uts ipc net pid user" >&2
        return 1
        ;;
    esac
  done
  echo "unshare ${flags[*]} chroot $root bash"
  exec unshare "${flags[@]}" chroot "$root" bash
}
