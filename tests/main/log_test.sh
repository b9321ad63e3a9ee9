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
