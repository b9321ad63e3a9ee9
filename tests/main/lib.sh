# Helpers of the tests in this directory. Every test runs with its own directory as the current one.
set -u

fail() {
	echo "$*"
	for f in out err; do [ -s $f ] && sed "s/^/  $f: /" $f; done
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# wait_for COMMAND...: until it succeeds, at most five seconds.
wait_for() {
	local i
	for i in $(seq 250); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	fail "never happened: $*"
}

# A sanitizer needs memory that cannot be limited, and /proc at the end, which a jail does not have.
sanitized() { grep -qE "__(a|t)san_init" "$WEIR"; }
jailed() { ! sanitized || export ASAN_OPTIONS=detect_leaks=0; }

gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
answers() { [ "$(curl -s -m 2 "http://127.0.0.1:$1/")" = "${2:-hello}" ]; }
contains() { grep -qF -- "$2" "$1"; }

# expect STATUS COMMAND...: runs it with output in out and err.
expect() {
	local want=$1 status
	shift
	"$@" >out 2>err </dev/null
	status=$?
	[ $status -eq "$want" ] || fail "exit status $status instead of $want: $*"
}

# conf PORT TEXT [GLOBAL LINES]: writes weir.cfg with a frontend that answers TEXT.
conf() {
	cat >weir.cfg <<EOF
global
	nbthread 2
	maxconn 200
${3:-}
defaults
	mode http
	timeout client 5s
	timeout server 5s
	timeout connect 5s
frontend f
	bind 127.0.0.1:$1
	http-request return status 200 content-type text/plain string $2
EOF
}

# start ARGUMENTS...: in the background; its number is in $pid. Output goes to out and err.
start() {
	"$WEIR" "$@" >out 2>err </dev/null &
	pid=$!
	started="${started:-} $pid"
}

# stop_with SIGNAL STATUS: signals $pid and checks how it ends.
stop_with() {
	local status
	kill "-$1" "$pid"
	wait "$pid"
	status=$?
	[ $status -eq "$2" ] || fail "exit status $status instead of $2 after SIG$1"
}

# What a test started must not outlive it, even when it failed.
cleanup() {
	local p
	for p in ${started:-} $(cat ./*.pid 2>/dev/null); do
		kill -KILL "$p" 2>/dev/null
	done
}
