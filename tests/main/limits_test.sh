# Descriptors, memory and rights (management manual 5).

limit_of() { awk '/^Max open files/ {print $4}' "/proc/$1/limits"; }

t_maxconn_raises_the_descriptor_limit() {
	conf "$PORT" hello
	(ulimit -Sn 100; exec "$WEIR" -f weir.cfg >out 2>err) &
	pid=$!
	started=$pid
	wait_for answers "$PORT"
	[ "$(limit_of "$pid")" -ge 400 ] || fail "limit is $(limit_of "$pid")"
	stop_with TERM 0
}

t_limit_that_cannot_be_raised_is_an_error_unless_told_otherwise() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
	conf "$PORT" hello
	chmod 644 weir.cfg
	expect 1 setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c "ulimit -n 300; exec $WEIR -f weir.cfg"
	contains err 'too low for maxconn=200' || fail "not told"
	contains err 'runtime error' && fail "a fault on the way out"
	conf "$PORT" hello "	no strict-limits"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		bash -c "ulimit -n 300; exec $WEIR -f weir.cfg" >out 2>err &
	pid=$!
	started=$pid
	wait_for answers "$PORT"
	stop_with TERM 0
}

t_maxconn_follows_from_the_limit() {
	conf "$PORT" hello "	stats socket $PWD/s"
	sed -i /maxconn/d weir.cfg
	(ulimit -n 1000; exec "$WEIR" -f weir.cfg >out 2>err) &
	pid=$!
	started=$pid
	wait_for test -S s
	n=$(echo "show info" | socat - UNIX-CONNECT:s | sed -n 's/^Maxconn: //p')
	[ "$n" -gt 100 ] && [ "$n" -lt 500 ] || fail "maxconn is '$n'"
	stop_with TERM 0
}

t_memory_is_limited_with_m() {
	sanitized && skip "a sanitizer needs more"
	conf "$PORT" hello
	start -m 512 -f weir.cfg
	wait_for answers "$PORT"
	grep -q '^Max data size *536870912' "/proc/$pid/limits" || fail "no limit"
	stop_with TERM 0
}

t_rights_are_dropped() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	jailed
	mkdir jail
	conf "$PORT" hello "	user nobody
	group nogroup
	chroot $PWD/jail"
	start -f weir.cfg
	wait_for answers "$PORT"
	grep -q '^Uid:.65534.65534.65534.65534' "/proc/$pid/status" || fail "user is kept"
	grep -q '^Gid:.65534.65534.65534.65534' "/proc/$pid/status" || fail "group is kept"
	grep -q '^CapPrm:.0000000000000000' "/proc/$pid/status" || fail "capabilities are kept"
	grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail "may gain rights"
	[ "$(readlink /proc/"$pid"/root)" = "$PWD/jail" ] || fail "not in the jail"
	stop_with TERM 0
}

t_capabilities_of_setcap_stay() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	conf "$PORT" hello "	user nobody
	setcap cap_net_raw"
	start -f weir.cfg
	wait_for answers "$PORT"
	grep -q '^CapEff:.0000000000002000' "/proc/$pid/status" || fail "$(grep Cap /proc/"$pid"/status)"
	stop_with TERM 0
	sed -i 's/cap_net_raw/cap_nonsense/' weir.cfg
	expect 1 "$WEIR" -c -f weir.cfg
}

t_jail_auto_is_nowhere() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	jailed
	conf "$PORT" hello "	chroot auto
	user nobody"
	start -f weir.cfg
	wait_for answers "$PORT"
	readlink "/proc/$pid/root" | grep -q deleted || fail "jail is $(readlink /proc/"$pid"/root)"
	stop_with TERM 0
}

t_unknown_user_is_an_error_of_the_file() {
	conf "$PORT" hello "	user nobody-of-that-name"
	expect 1 "$WEIR" -c -f weir.cfg
	contains err 'weir.cfg:4' || fail "place is missing"
}

t_threads_run_where_cpu_map_says() {
	conf "$PORT" hello "	cpu-map 1/1 0"
	start -f weir.cfg
	wait_for answers "$PORT"
	grep -q '^Cpus_allowed_list:.0$' "/proc/$pid/status" || fail "$(grep Cpus_allowed_list /proc/"$pid"/status)"
	stop_with TERM 0
}

t_maxconnrate_spreads_connections_over_seconds() {
	conf "$PORT" hello "	maxconnrate 5"
	start -f weir.cfg
	wait_for answers "$PORT"
	begin=$(date +%s%N)
	for i in $(seq 12); do answers "$PORT" || fail "request $i had no answer"; done
	took=$((($(date +%s%N) - begin) / 1000000))
	[ $took -ge 1000 ] || fail "12 connections took $took ms"
	stop_with TERM 0
}
