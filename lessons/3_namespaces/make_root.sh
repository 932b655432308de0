#!/bin/bash
# In the playground: makes a whole, minimal Debian in a directory, with debootstrap.
#   ./make_root.sh /root_a
# The first one takes half a minute; it is kept in /cache, from which the next is unpacked in a second.
# FRESH=1 does without what was kept, except for the packages that were fetched.
set -eu -o pipefail
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
root=$1
suite=bookworm
kept=/cache/$suite-minbase-$(dpkg --print-architecture).tar
# What is made has another name until it is whole: Ctrl-C leaves nothing that looks like a Debian.
part=$root.part
trap 'exit 130' INT

# Whether it is a Debian, and not what is left of one.
is_whole() { [ -x "$1/usr/bin/apt-get" ]; }

# The mirror that this playground's own apt uses. apt is asked, since it knows all ways to write it down.
mirror() {
  apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$suite/InRelease'.*|\1|p" | tail -n 1
}

# In a mount namespace of its own, since debootstrap mounts and unmounts /proc as it likes.
# Of its four hundred lines awk lets the first of each kind through.
bootstrap() {
  mkdir -p /cache/packages
  unshare --mount debootstrap --variant=minbase --cache-dir=/cache/packages "$suite" "$part" "$1" |
    awk '{ kind = $1 " " $2 } !seen[kind]++ { print "  " $0; fflush() }' &&
    is_whole "$part"
}

if ! is_whole "$root"; then
  rm -rf "$part"
  mkdir "$part"
  if [ -f "$kept" ] && [ -z "${FRESH:-}" ]; then
    echo "$root: unpacking the $suite that debootstrap made before (FRESH=1 makes a new one)"
    tar -xf "$kept" -C "$part" --numeric-owner && is_whole "$part" || {
      echo "$root: what was kept is broken, so it is thrown away" >&2
      rm -f "$kept"
      exec ./make_root.sh "$root"
    }
  else
    from=$(mirror)
    echo "$root: debootstrap $suite from $from"
    bootstrap "$from" || {
      echo "$root: debootstrap has failed, and what was kept before stays; is $from in reach?" >&2
      exit 1
    }
    rm -rf "$part"/var/cache/apt/archives/*.deb "$part"/var/lib/apt/lists/*
    trap 'rm -f "$kept.$$"' EXIT
    tar -cf "$kept.$$" -C "$part" --numeric-owner . && mv "$kept.$$" "$kept"
  fi
  mv -T "$part" "$root"
else
  echo "$root is there already"
fi

# bash's prompt shows this name: (root_a)root@…
basename "$root" > "$root/etc/debian_chroot"
