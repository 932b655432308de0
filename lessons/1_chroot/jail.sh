#!/bin/bash
# In the playground: makes the whole jail at once, as the lesson makes it by hand.
#   ./jail.sh [PROGRAM…]      default: bash, ls and cat
# ldd asks the dynamic loader which files a program would be given, on any architecture.
set -eu
jail=/jail
mkdir -p "$jail"
for name in "${@:-bash ls cat}"; do
  for program in $name; do
    path=$(type -P "$program")
    for file in "$path" $(ldd "$path" | grep -o '/[^ ]*'); do
      mkdir -p "$jail$(dirname "$file")"
      cp -v "$file" "$jail$file"
    done
  done
done
echo "now: chroot $jail bash"
