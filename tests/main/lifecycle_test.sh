# One process from start to end: signals, background, pid file, handover, systemd.

t_sigterm_and_sigint_end_with_status_0() {
	conf "$PORT" hello
	for s in TERM INT; do
		start -f weir.cfg
		wait_for answers "$PORT"
		stop_with $s 0
	done
}

t_foreground_worker_mode_reports_the_signal() {
	conf "$PORT" hello
	start -d -W -p w.pid -f weir.cfg
	wait_for answers "$PORT"
	[ "$(cat w.pid)" = "$pid" ] || fail "pid file has another process: it forked"
	stop_with INT 130
}

t_daemon_is_ready_when_its_parent_ends() {
	conf "$PORT" hello
	expect 0 "$WEIR" -D -p d.pid -f weir.cfg
	answers "$PORT" || fail "not ready"
	pid=$(cat d.pid)
	[ "$(readlink /proc/"$pid"/fd/1)" = /dev/null ] || fail "keeps stdout open"
	kill -TERM "$pid"
	wait_for gone "$pid"
}

t_daemon_that_cannot_bind_fails_its_parent() {
	conf "$PORT" hello "	noreuseport"
	start -f weir.cfg
	wait_for answers "$PORT"
	expect 1 "$WEIR" -D -p d.pid -f weir.cfg
	contains err "$PORT" || fail "the address is not named"
	stop_with TERM 0
}

t_soft_stop_finishes_requests_and_closes_idle_clients() {
	conf "$PORT" hello
	cat >>weir.cfg <<EOF
frontend slow
	bind 127.0.0.1:$((PORT + 1))
	default_backend slow
backend slow
	server s 127.0.0.1:$((PORT + 2))
EOF
	mkfifo go
	(cat go; printf 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone') |
		socat TCP-LISTEN:$((PORT + 2)),bind=127.0.0.1,reuseaddr - >served &
	start -f weir.cfg
	wait_for answers "$PORT"
	exec 7<>/dev/tcp/127.0.0.1/"$PORT"
	printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&7
	read -r line <&7
	curl -s -m 5 http://127.0.0.1:$((PORT + 1))/ >answer &
	request=$!
	wait_for contains served GET
	kill -USR1 "$pid"
	wait_for eval "! answers $PORT"
	gone "$pid" && fail "did not wait for the request"
	echo -n >go
	wait "$request"
	[ "$(cat answer)" = "done" ] || fail "the request was cut"
	wait "$pid" || fail "soft stop ended with $?"
}

t_hard_stop_after_bounds_a_soft_stop() {
	conf "$PORT" hello "	hard-stop-after 200ms"
	sed -i 's/mode http/mode tcp/;/http-request/d' weir.cfg
	cat >>weir.cfg <<EOF
	default_backend b
backend b
	mode tcp
	server s 127.0.0.1:$((PORT + 1))
EOF
	socat TCP-LISTEN:$((PORT + 1)),bind=127.0.0.1,reuseaddr PIPE &
	other=$!
	start -f weir.cfg
	wait_for eval "exec 7<>/dev/tcp/127.0.0.1/$PORT"
	printf x >&7
	kill -USR1 "$pid"
	wait_for gone "$pid"
	wait "$pid" || fail "ended with $?"
	kill "$other" 2>/dev/null
	return 0
}

t_pause_frees_the_port_and_resume_takes_it_back() {
	conf "$PORT" hello "	noreuseport"
	start -f weir.cfg
	wait_for answers "$PORT"
	kill -TTOU "$pid"
	wait_for eval "! answers $PORT"
	kill -TTIN "$pid"
	wait_for answers "$PORT"
	stop_with TERM 0
}

handover() { # GLOBAL LINES
	conf "$PORT" hello "$1"
	expect 0 "$WEIR" -D -p old.pid -f weir.cfg
	old=$(cat old.pid)
	touch running
	(while [ -e running ]; do answers "$PORT" || echo lost; done) >losses &
	load=$!
	for i in 1 2 3; do
		expect 0 "$WEIR" -D -p new.pid -f weir.cfg -sf "$old"
		wait_for gone "$old"
		old=$(cat new.pid)
	done
	rm running
	wait "$load"
	kill -TERM "$old"
	wait_for gone "$old"
}

t_sf_hands_over_without_losing_a_request() {
	handover ""
	[ ! -s losses ] || fail "$(wc -l <losses) requests lost"
}

t_sf_takes_a_port_that_the_old_process_holds_alone() {
	handover "	noreuseport"
}

t_st_ends_the_old_process_at_once() {
	conf "$PORT" hello
	expect 0 "$WEIR" -D -p old.pid -f weir.cfg
	old=$(cat old.pid)
	expect 0 "$WEIR" -D -p new.pid -f weir.cfg -st "$old"
	wait_for gone "$old"
	answers "$PORT" || fail "the new one does not answer"
	kill -TERM "$(cat new.pid)"
	wait_for gone "$(cat new.pid)"
}

t_systemd_is_told() {
	conf "$PORT" hello
	socat -u UNIX-RECV:notify CREATE:told &
	listener=$!
	wait_for test -S notify
	NOTIFY_SOCKET=$PWD/notify start -f weir.cfg
	wait_for contains told READY=1
	contains told "MAINPID=$pid" || fail "other process number"
	stop_with TERM 0
	wait_for contains told STOPPING=1
	kill "$listener"
}

t_admin_socket_answers() {
	conf "$PORT" hello "	stats socket $PWD/s level admin
	setenv COLOUR blue"
	start -f weir.cfg
	wait_for test -S s
	echo "show env COLOUR" | socat - UNIX-CONNECT:s >answer
	contains answer "COLOUR=blue" || fail "variables of the file are missing"
	echo "show env HAPROXY_CLI" | socat - UNIX-CONNECT:s >answer
	contains answer "unix@$PWD/s" || fail "the socket's own address is missing"
	stop_with TERM 0
}
