# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For the shell blocks of scenarios: shakes hands (tests/tls/hello) and compares how its line begins.
#
#	tls=${testdir}/../tls; . $tls/lib.sh
#	hello 127.0.0.1:443 -servername www.test; is "www.test rsa TLSv1.3"
hello() {
	# shellcheck disable=SC2154
	got=$("$tls/hello" "$@")
	echo "$* : $got"
}

is() {
	case $got in
	"$1"*) ;;
	*)
		echo "expected: $1"
		exit 1
		;;
	esac
}
