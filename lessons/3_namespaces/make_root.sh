#!/bin/bash
# In the playground: makes a whole, minimal Debian in a directory, with debootstrap.
#   ./make_root.sh /root_a
# The first one takes half a minute; it is kept in /cache, from which the next is unpacked in a second.
# FRESH=1 does without what was kept, except for the packages that were fetched.
set -eu
root=$1
suite=bookworm
kept=/cache/$suite-minbase-$(dpkg --print-architecture).tar

if [ -e "$root/etc/debian_version" ]; then
  echo "$root is there already"
elif [ -f "$kept" ] && [ -z "${FRESH:-}" ]; then
  echo "$root: unpacking the $suite that debootstrap made before (FRESH=1 makes a new one)"
  mkdir -p "$root"
  tar -xf "$kept" -C "$root" --numeric-owner
else
  # The mirror that this playground's own apt uses.
  mirror=$(apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' |
    sed -n "s/^$suite //p" | head -n 1)
  echo "$root: debootstrap $suite from $mirror"
  mkdir -p /cache/packages
  # In a mount namespace of its own, since debootstrap mounts and unmounts /proc as it likes.
  # Of its four hundred lines awk lets the first of each kind through.
  unshare --mount debootstrap --variant=minbase --cache-dir=/cache/packages "$suite" "$root" "$mirror" |
    awk '{ kind = $1 " " $2 } !seen[kind]++ { print "  " $0; fflush() }'
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -cf "$kept.$$" -C "$root" --numeric-owner . && mv "$kept.$$" "$kept"
fi

# bash's prompt shows this name: (root_a)root@…
basename "$root" > "$root/etc/debian_chroot"
