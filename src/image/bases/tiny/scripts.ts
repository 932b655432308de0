/** Says what to do instead. */
export const APK = `#!/bin/sh
echo "apk: this is not Alpine Linux but cloche's stand-in, made on this machine; it has no packages." >&2
echo "hint: start FROM node:22-alpine for Node, or FROM debian:bookworm-slim and apt-get install." >&2
exit 1
`;

/** BusyBox has `addgroup` and `adduser` on Docker Hub and has not in Debian; the options are its own. */
export const ADDGROUP = `#!/bin/sh
# addgroup [-g GID] [-S] [USER] GROUP
set -e
fail() {
	echo "addgroup: $*" >&2
	exit 1
}

gid= first=1000 names=
while [ $# -gt 0 ]; do
	case $1 in
	-g) gid=$2; shift ;;
	-S) first=100 ;;
	-*) fail "unknown option $1" ;;
	*) names="$names $1" ;;
	esac
	shift
done
set -- $names

if [ $# = 2 ]; then
	grep -q "^$1:" /etc/passwd || fail "unknown user $1"
	grep -q "^$2:" /etc/group || fail "unknown group $2"
	exec sed -i "/^$2:/{s/\\$/,$1/;s/:,/:/}" /etc/group
fi
[ $# = 1 ] || fail "one name is needed"
if grep -q "^$1:" /etc/group; then fail "group '$1' in use"; fi
if [ -z "$gid" ]; then
	gid=$first
	while grep -q "^[^:]*:[^:]*:$gid:" /etc/group; do gid=$((gid + 1)); done
fi
echo "$1:x:$gid:" >> /etc/group
`;

export const ADDUSER = `#!/bin/sh
# adduser [-h HOME] [-g GECOS] [-s SHELL] [-G GROUP] [-u UID] [-S] [-D] [-H] USER [GROUP]
set -e
fail() {
	echo "adduser: $*" >&2
	exit 1
}

home= gecos= shell= group= uid= first=1000 makes_home=yes names=
while [ $# -gt 0 ]; do
	case $1 in
	-h) home=$2; shift ;;
	-g) gecos=$2; shift ;;
	-s) shell=$2; shift ;;
	-G) group=$2; shift ;;
	-u) uid=$2; shift ;;
	-S) first=100 ;;
	-H) makes_home=no ;;
	-D) ;; # no password is ever asked for
	-SD | -DS) first=100 ;;
	-*) fail "unknown option $1" ;;
	*) names="$names $1" ;;
	esac
	shift
done
set -- $names

if [ $# = 2 ]; then exec addgroup "$1" "$2"; fi
[ $# = 1 ] || fail "one name is needed"
if grep -q "^$1:" /etc/passwd; then fail "user '$1' in use"; fi
if [ -z "$uid" ]; then
	uid=$first
	while grep -q "^[^:]*:[^:]*:$uid:" /etc/passwd; do uid=$((uid + 1)); done
fi
if [ -n "$group" ]; then
	gid=$(sed -n "s/^$group:[^:]*:\\([0-9]*\\):.*/\\1/p" /etc/group)
	[ -n "$gid" ] || fail "unknown group $group"
elif [ $first = 100 ]; then
	gid=65534
else
	addgroup -g "$uid" "$1"
	gid=$uid
fi
if [ $first = 100 ]; then usual=/sbin/nologin; else usual=/bin/sh; fi
home=\${home:-/home/$1}
echo "$1:x:$uid:$gid:\${gecos:-$1}:$home:\${shell:-$usual}" >> /etc/passwd
echo "$1:!::0:99999:7:::" >> /etc/shadow
if [ $makes_home = yes ] && ! [ -e "$home" ]; then
	mkdir -p "$home"
	chown "$uid:$gid" "$home"
fi
`;
