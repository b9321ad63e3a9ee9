# Where log lines go: rings and the servers that are fed from them.

here_main=$HERE

# servers KIND:PORT=FILE...: log servers in the background.
servers() {
	python3 "$here_main/logserver.py" "$@" >ready 2>err.servers &
	servers_pid=$!
	started="${started-} $servers_pid"
	wait_for contains ready ready
}

# log_conf GLOBAL-LINES SECTIONS: a frontend on $PORT whose log lines are the URI.
log_conf() {
	cat >weir.cfg <<EOF
global
	nbthread 2
	stats socket $PWD/s level admin
$1
$2
defaults
	mode http
	log global
	log-format "%HU"
	timeout client 5s
	timeout server 5s
	timeout connect 5s
frontend f
	bind 127.0.0.1:$PORT
	http-request return status 200 content-type text/plain string hello
EOF
}

get() { curl -s -m 5 -o /dev/null "http://127.0.0.1:$PORT$1"; }
ask() { echo "$1" | socat -t 5 - UNIX-CONNECT:s; }

t_ring_feeds_servers_in_both_framings() {
	servers tcp:$((PORT + 1))=legacy tcp:$((PORT + 2))=octets tcp:$((PORT + 3))=own
	log_conf "	log ring@r local0
	log tcp@127.0.0.1:$((PORT + 3)) format priority local1" "ring r
	format short
	server a 127.0.0.1:$((PORT + 1))
	server b 127.0.0.1:$((PORT + 2)) log-proto octet-count"
	start -f weir.cfg
	wait_for get /one
	get /second
	wait_for contains legacy "<6>/second"
	wait_for contains octets "<6>/second"
	wait_for contains own "<142>/second"
	[ "$(tail -2 legacy)" = "$(printf '<6>/one\n<6>/second')" ] || fail "legacy: $(cat legacy)"
	grep -qF '7 <6>/one10 <6>/second' octets || fail "octets: $(cat octets)"
	stop_with TERM 0
}

t_ring_keeps_lines_until_its_server_is_there() {
	log_conf "	log ring@r local0" "ring r
	server a 127.0.0.1:$((PORT + 1))"
	start -f weir.cfg
	wait_for get /early
	servers tcp:$((PORT + 1))=got
	wait_for contains got /early
	kill "$servers_pid"
	wait_for gone "$servers_pid"
	get /while-away
	# the line that met the dead connection may be lost, not the next ones
	get /still-away
	rm ready
	servers tcp:$((PORT + 1))=got2
	get /back
	wait_for contains got2 /back
	contains got2 /still-away || fail "lost: $(cat got2)"
	contains got2 /early && fail "sent twice"
	stop_with TERM 0
}

t_lines_before_the_end_still_go_out() {
	servers tcp:$((PORT + 1))=got
	log_conf "	log ring@r local0" "ring r
	server a 127.0.0.1:$((PORT + 1))"
	start -f weir.cfg
	wait_for get /one
	wait_for contains got /one
	get /last
	stop_with TERM 0
	wait_for contains got /last
}

# 20000 lines of half a kilobyte are more than the ring and the sockets between take.
t_stalled_log_server_does_not_slow_traffic() {
	servers stall:$((PORT + 1))=none
	log_conf "	log ring@r local0
	tune.sndbuf.server 4096" "ring r
	size 16384
	server a 127.0.0.1:$((PORT + 1))"
	start -f weir.cfg
	wait_for answers "$PORT"
	uri=/$(printf 'x%.0s' $(seq 500))
	curl -s -m 20 -o /dev/null "http://127.0.0.1:$PORT$uri?[1-20000]" -w '%{time_total}\n' >times ||
		fail "traffic stopped"
	slow=$(awk '$1 > 1' times | wc -l)
	[ "$slow" -eq 0 ] || fail "$slow slow requests"
	dropped() { ask "show info" | sed -n 's/^DroppedLogs: //p'; }
	many_dropped() { [ "$(dropped)" -gt 1000 ]; }
	wait_for many_dropped
	# whole and the newest ones, all the same
	ask "show events" | grep -qE " r +: type=buffer, [1-9][0-9]* dropped" || fail "ring counts nothing"
	ask "show events r" | grep -qF 'x?20000' || fail "the newest line is not in the ring"
	stop_with TERM 0
}

t_show_events_follows_until_a_key() {
	log_conf "	log ring@r local0" "ring r"
	start -f weir.cfg
	wait_for get /before
	mkfifo keys
	socat -t 5 - UNIX-CONNECT:s <keys >shown &
	started="${started-} $!"
	exec 3>keys
	printf 'show events r -wn\n' >&3
	# nothing tells that the command waits: lines are sent until one is seen
	seen() { get /new && contains shown /new; }
	wait_for seen
	contains shown /before && fail "-n showed what was there"
	printf 'x\n' >&3
	wait_for gone $!
	ask "show events r" | grep -q /before || fail "not in the ring"
	stop_with TERM 0
}

# ---- log backends ----

# backend_conf BALANCE: lines go to three servers, two by datagrams and one by a stream.
backend_conf() {
	servers udp:$((PORT + 1))=a udp:$((PORT + 2))=b tcp:$((PORT + 3))=c
	log_conf "	log backend@logs format raw local0" "backend logs
	mode log
	$1
	server a udp@127.0.0.1:$((PORT + 1))
	server b udp@127.0.0.1:$((PORT + 2))
	server c 127.0.0.1:$((PORT + 3)) log-bufsize 64k"
	start -f weir.cfg
	wait_for answers "$PORT"
}

lines_in() { grep -c "$2" "$1"; }
has_lines() { [ "$(lines_in "$1" "$2")" -eq "$3" ]; }
get_many() { curl -s -m 20 -o /dev/null "http://127.0.0.1:$PORT$1?n=[1-$2]"; }

t_log_backend_takes_turns_and_respects_states() {
	backend_conf "balance roundrobin"
	get_many /x 30
	for f in a b c; do wait_for has_lines $f /x 10; done
	ask "set server logs/b state maint" >answer
	ask "set server logs/c state drain" >answer
	get_many /y 10
	wait_for has_lines a /y 10
	ask "show stat logs 4 -1" | grep -q '^logs,b,.*MAINT' || fail "no state in show stat"
	ask "set server logs/a state maint" >answer
	before=$(ask "show info" | sed -n 's/^DroppedLogs: //p')
	get_many /z 5
	after() { [ "$(ask "show info" | sed -n 's/^DroppedLogs: //p')" -ge $((before + 5)) ]; }
	wait_for after
	answers "$PORT" || fail "traffic needs the log servers"
	stop_with TERM 0
}

t_sticky_log_backend_stays_until_its_server_goes() {
	backend_conf "balance sticky"
	get_many /x 10
	wait_for has_lines a /x 10
	ask "set server logs/a state maint" >answer
	get_many /y 10
	wait_for has_lines b /y 10
	ask "set server logs/a state ready" >answer
	get_many /z 10
	wait_for has_lines b /z 10
	has_lines a /z 0 || fail "it came back"
	stop_with TERM 0
}

t_log_hash_keeps_a_key_together() {
	backend_conf "balance log-hash 'field(1,?),field(2,/)'"
	for key in k1 k2 k3 k4 k5 k6 k7 k8; do get_many /$key/x 5; done
	all_there() { [ "$(cat a b c | grep -c /x)" -eq 40 ]; }
	wait_for all_there
	for key in k1 k2 k3 k4 k5 k6 k7 k8; do
		n=$(grep -lF "/$key/" a b c | wc -l)
		[ "$n" -eq 1 ] || fail "$key went to $n servers"
	done
	[ -s a ] && [ -s b ] && [ -s c ] || fail "one got nothing"
	stop_with TERM 0
}

t_log_backend_mistakes_are_told() {
	log_conf "	log backend@logs local0" "backend logs
	mode log
	balance leastconn
	server a udp@127.0.0.1:$((PORT + 1))
backend other
	balance sticky
	server a udp@127.0.0.1:$((PORT + 1))"
	expect 1 "$WEIR" -c -f weir.cfg
	contains err "'balance leastconn' with this 'hash-type' cannot be used in 'mode log'" || fail leastconn
	contains err "'balance sticky' can only be used in 'mode log'" || fail sticky
	contains err "server 'other/a' has a datagram address" || fail datagram
	log_conf "	log backend@other local0
	log backend@none local0
	log ring@none local0" "backend other
	server a 127.0.0.1:1"
	expect 1 "$WEIR" -c -f weir.cfg
	contains err "the backend is not in 'mode log'" || fail "mode"
	contains err "there is no backend of that name" || fail "backend"
	contains err "there is no ring of that name" || fail "ring"
}

# ---- log-forward ----

t_log_forward_takes_datagrams_and_streams() {
	servers udp:$((PORT + 4))=same udp:$((PORT + 5))=new tcp:$((PORT + 6))=stream
	log_conf "" "ring out
	format rfc3164
	server a 127.0.0.1:$((PORT + 6)) log-proto octet-count
log-forward f
	dgram-bind 127.0.0.1:$((PORT + 1))
	bind 127.0.0.1:$((PORT + 1))
	log 127.0.0.1:$((PORT + 4)) local0
	log 127.0.0.1:$((PORT + 5)) format rfc5424 local0 notice
	log ring@out local0"
	start -f weir.cfg
	wait_for answers "$PORT"
	printf '<13>Oct 11 22:14:15 h a[1]: datagram' >/dev/udp/127.0.0.1/$((PORT + 1))
	wait_for contains same '<13>Oct 11 22:14:15 h a[1]: datagram'
	wait_for contains new 'T22:14:15-00:00 h a 1 - - datagram'
	wait_for contains stream '36 <13>Oct 11 22:14:15 h a[1]: datagram'
	printf '<14>info\n11 <12>warning<13>notice\n' >/dev/tcp/127.0.0.1/$((PORT + 1))
	wait_for contains same '<13>notice'
	[ "$(tail -3 same)" = "$(printf '<14>info\n<12>warning\n<13>notice')" ] || fail "$(cat same)"
	wait_for contains new '127.0.0.1 - - - - notice'
	contains new info && fail "the level does not count"
	[ "$(ask "show info" | sed -n 's/^CumRecvLogs: //p')" -eq 4 ] || fail "counted wrongly"
	stop_with TERM 0
}

t_log_forward_bounds_its_connections() {
	servers udp:$((PORT + 4))=got
	log_conf "" "log-forward f
	bind 127.0.0.1:$((PORT + 1))
	maxconn 1
	timeout client 1s
	log 127.0.0.1:$((PORT + 4)) local0"
	start -f weir.cfg
	wait_for answers "$PORT"
	exec 3<>/dev/tcp/127.0.0.1/$((PORT + 1))
	printf '<13>first\n' >&3
	wait_for contains got '<13>first'
	printf '<13>second\n' >/dev/tcp/127.0.0.1/$((PORT + 1))
	contains got '<13>second' && fail "two at once"
	# the silent one is closed, and makes place
	wait_for contains got '<13>second'
	# a stream that cannot be cut is closed at once
	exec 4<>/dev/tcp/127.0.0.1/$((PORT + 1))
	printf 'junk\n' >&4
	timeout 5 cat <&4 >rest || [ $? -ne 124 ] || fail "still open"
	stop_with TERM 0
}
