#!/bin/bash
# In the playground: makes the whole jail at once, as the lesson makes it by hand.
#   ./jail.sh [PROGRAM…]      default: bash, ls and cat
# ldd asks the dynamic loader which files a program would be given, on any architecture.
set -eu
cd "$(dirname "$0")"
[ "$PWD" = /playground ] || { echo "this belongs into the playground: ./run.sh first" >&2; exit 1; }
jail=/jail
[ $# -gt 0 ] || set -- bash ls cat
mkdir -p "$jail"
for program in "$@"; do
  # /bin and /usr/bin are one directory here, and PATH finds the second name first. In the jail they are two.
  path=/bin/$program
  if [ ! -x "$path" ] && ! path=$(type -P "$program"); then
    echo "there is no program called '$program' here" >&2
    exit 1
  fi
  for file in "$path" $(ldd "$path" | grep -o '/[^ ]*'); do
    mkdir -p "$jail$(dirname "$file")"
    cp -v "$file" "$jail$file"
  done
done
echo "now: chroot $jail bash"
