# The master (-W): start, reload, ends.

worker_of() { pgrep -P "$1" | head -1; }

t_master_ends_with_the_signal_it_got() {
	conf "$PORT" hello
	for pair in TERM:143 INT:130; do
		start -W -f weir.cfg
		wait_for answers "$PORT"
		worker=$(worker_of "$pid")
		[ -n "$worker" ] || fail "no worker process"
		stop_with "${pair%:*}" "${pair#*:}"
		wait_for gone "$worker"
	done
}

t_background_master_writes_its_own_number() {
	conf "$PORT" hello
	expect 0 "$WEIR" -D -W -p m.pid -f weir.cfg
	answers "$PORT" || fail "not ready when the parent ended"
	master=$(cat m.pid)
	[ -n "$(worker_of "$master")" ] || fail "not the master's number"
	kill -TERM "$master"
	wait_for gone "$master"
}

t_reload_takes_the_new_file() {
	conf "$PORT" hello
	start -W -f weir.cfg
	wait_for answers "$PORT"
	old=$(worker_of "$pid")
	conf "$PORT" changed
	kill -USR2 "$pid"
	wait_for answers "$PORT" changed
	wait_for gone "$old"
	stop_with TERM 143
}

t_reload_stays_in_the_directory_of_dash_c() {
	mkdir d
	conf "$PORT" hello
	mv weir.cfg d
	start -W -C d -f weir.cfg
	wait_for answers "$PORT"
	sed -i s/hello/changed/ d/weir.cfg
	kill -USR2 "$pid"
	wait_for answers "$PORT" changed
	stop_with TERM 143
}

t_reload_of_a_bad_file_changes_nothing() {
	conf "$PORT" hello
	start -W -f weir.cfg
	wait_for answers "$PORT"
	old=$(worker_of "$pid")
	echo "	nonsense" >>weir.cfg
	kill -USR2 "$pid"
	wait_for contains err 'reload failed'
	contains err 'nonsense' || fail "the error is not shown"
	answers "$PORT" || fail "the old worker does not answer"
	[ "$(worker_of "$pid")" = "$old" ] || fail "another worker"
	stop_with TERM 143
}

t_reload_shows_what_is_odd_in_the_new_file() {
	conf "$PORT" hello
	start -W -f weir.cfg
	wait_for answers "$PORT"
	conf "$PORT" changed
	sed -i 's/bind .*/& nice 5/' weir.cfg
	contains err nice && fail "told too early"
	kill -USR2 "$pid"
	wait_for answers "$PORT" changed
	contains err "'nice' has no effect" || fail "the notice is not shown"
	stop_with TERM 143
}

# tls_conf PORT: as conf, with TLS and the certificate in crt.pem.
tls_conf() {
	conf "$1" hello
	sed -i 's/bind .*/& ssl crt crt.pem/' weir.cfg
}

# new_crt NAME: a self-signed certificate with its key in crt.pem.
new_crt() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-keyout key.pem -out cert.pem 2>/dev/null
	cat cert.pem key.pem >crt.pem
}

tls_client() { openssl s_client -connect "127.0.0.1:$PORT" "$@" <request 2>/dev/null; }
shows_name() { tls_client | grep -q "^subject=CN = $1"; }
request() { printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >request; }

# Tickets of TLS 1.3 are on their way until the answer is there: -ign_eof reads to the end.
t_reload_keeps_sessions() {
	new_crt one
	request
	tls_conf "$PORT"
	start -W -f weir.cfg
	wait_for shows_name one
	for v in tls1_2 tls1_3; do
		tls_client -$v -ign_eof -sess_out $v.sess | grep -q '^New,' || fail "$v: no session"
		tls_client -$v -ign_eof -sess_in $v.sess | grep -q '^Reused,' || fail "$v: not resumed"
	done
	for i in 1 2; do
		kill -USR2 "$pid"
		wait_for eval "[ \$(grep -c 'Loading success' err) -eq $((i + 1)) ]"
		wait_for eval "[ \$(pgrep -c -P $pid) -eq 1 ]"
		for v in tls1_2 tls1_3; do
			tls_client -$v -ign_eof -sess_in $v.sess >out.$v
			grep -q '^Reused,' out.$v || fail "reload $i, $v: not resumed"
		done
	done
	stop_with TERM 143
}

# Neither size nor time of a file say that it is the same.
t_reload_takes_a_certificate_that_was_replaced() {
	new_crt one
	request
	tls_conf "$PORT"
	mv crt.pem one.pem
	new_crt two
	while [ "$(wc -c <crt.pem)" -lt "$(wc -c <one.pem)" ]; do echo >>crt.pem; done
	while [ "$(wc -c <one.pem)" -lt "$(wc -c <crt.pem)" ]; do echo >>one.pem; done
	mv crt.pem two.pem
	touch -d '2001-01-01 00:00:00' one.pem two.pem
	cp -p one.pem crt.pem
	start -W -f weir.cfg
	wait_for shows_name one
	cat two.pem >crt.pem
	touch -r one.pem crt.pem
	kill -USR2 "$pid"
	wait_for shows_name two
	stop_with TERM 143
}

t_worker_that_outlives_too_many_reloads_is_stopped() {
	socat TCP-LISTEN:$((PORT + 3)),bind=127.0.0.1,reuseaddr,fork EXEC:'sleep 30' &
	other=$!
	conf "$PORT" hello "	mworker-max-reloads 1"
	sed -i 's/5s/60s/' weir.cfg
	printf 'listen l\n\tmode tcp\n\tbind 127.0.0.1:%d\n\tserver s 127.0.0.1:%d\n' \
		$((PORT + 4)) $((PORT + 3)) >>weir.cfg
	start -W -f weir.cfg
	wait_for answers "$PORT"
	first=$(worker_of "$pid")
	exec 9<>/dev/tcp/127.0.0.1/$((PORT + 4))
	kill -USR2 "$pid"
	wait_for eval "[ \$(grep -c 'Loading success' err) -eq 2 ]"
	gone "$first" && fail "stopped too early"
	kill -USR2 "$pid"
	wait_for contains err "worker ($first) has outlived 1 reloads"
	wait_for gone "$first"
	answers "$PORT" || fail "the new worker does not answer"
	exec 9>&-
	kill "$other"
	stop_with TERM 143
}

t_reload_that_cannot_bind_changes_nothing() {
	conf "$PORT" hello
	socat TCP-LISTEN:$((PORT + 3)),bind=127.0.0.1,reuseaddr PIPE &
	other=$!
	start -W -f weir.cfg
	wait_for answers "$PORT"
	sed -i "s/bind 127.0.0.1:$PORT/&,127.0.0.1:$((PORT + 3))/" weir.cfg
	kill -USR2 "$pid"
	wait_for contains err 'could not start'
	answers "$PORT" || fail "the old worker does not answer"
	kill "$other"
	stop_with TERM 143
}

t_master_ends_with_a_worker_that_dies() {
	conf "$PORT" hello
	start -W -f weir.cfg
	wait_for answers "$PORT"
	kill -KILL "$(worker_of "$pid")"
	wait "$pid"
	status=$?
	[ $status -eq 137 ] || fail "exit status $status"
}

t_master_that_is_killed_takes_its_worker_along() {
	conf "$PORT" hello
	start -W -f weir.cfg
	wait_for answers "$PORT"
	worker=$(worker_of "$pid")
	kill -KILL "$pid"
	wait_for gone "$worker"
}

t_master_tells_systemd_of_reloads() {
	conf "$PORT" hello
	socat -u UNIX-RECV:notify CREATE:told &
	listener=$!
	wait_for test -S notify
	NOTIFY_SOCKET=$PWD/notify start -Ws -f weir.cfg
	wait_for contains told READY=1
	contains told "MAINPID=$pid" || fail "other process number"
	kill -USR2 "$pid"
	wait_for contains told RELOADING=1
	wait_for eval '[ "$(grep -c READY=1 told)" -ge 2 ]'
	stop_with TERM 143
	kill "$listener"
}

t_file_that_is_bad_at_start_ends_the_master() {
	conf "$PORT" hello
	echo "	nonsense" >>weir.cfg
	expect 1 "$WEIR" -W -f weir.cfg
}
