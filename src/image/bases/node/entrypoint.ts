/**
 * The program before the program in Node's images: flags, and what is neither a command nor an
 * executable, are meant for node.
 *
 * Our own words; its meaning is docker-entrypoint.sh's in docker-node.
 */
export const NODE_ENTRYPOINT = `#!/bin/sh
# docker run node --version, docker run node server.js: words for node. Anything else is a command.
set -e

is_for_node() {
	case "$1" in
	-*) return 0 ;;
	esac
	[ -f "$1" ] && ! [ -x "$1" ] && return 0
	! command -v "$1" >/dev/null 2>&1
}

if is_for_node "$1"; then
	set -- node "$@"
fi
exec "$@"
`;
