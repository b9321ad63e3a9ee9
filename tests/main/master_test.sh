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
