# The command line: what is printed and the exit status (management manual 3).

t_without_options_shows_the_usage() {
	expect 1 "$WEIR"
	contains err 'Usage: weir' || fail "no usage"
}

t_unknown_option_is_refused() {
	expect 1 "$WEIR" --nonsense
	contains err "unknown option '--nonsense'" || fail "not named"
	contains err 'Usage: weir' || fail "no usage"
}

t_option_without_its_argument_is_refused() {
	expect 1 "$WEIR" -f
	contains err "'-f' needs an argument" || fail "not told"
}

t_version_goes_to_stdout() {
	expect 0 "$WEIR" -v
	contains out 'weir ' || fail "no version"
	expect 0 "$WEIR" -vv
	contains out 'HAProxy configuration level: 3.5' || fail "no level"
	contains out '+EPOLL' || fail "no features"
	[ -s err ] && fail "something on stderr"
	return 0
}

t_conditions_have_three_results() {
	expect 0 "$WEIR" -cc 'version_atleast(3.5) && feature(EPOLL)'
	expect 1 "$WEIR" -cc 'version_before(3.5)'
	expect 2 "$WEIR" -cc 'nonsense('
}

t_check_accepts_a_good_file() {
	conf "$PORT" hello
	expect 0 "$WEIR" -c -f weir.cfg
	[ "$(cat out)" = "Configuration file is valid" ] || fail "other text on stdout"
	expect 0 "$WEIR" -c -q -f weir.cfg
	[ ! -s out ] && [ ! -s err ] || fail "-q is not quiet"
}

t_check_refuses_a_bad_file_and_names_all_errors() {
	conf "$PORT" hello
	echo "	nonsense 1" >>weir.cfg
	echo "	bund 127.0.0.1:1" >>weir.cfg
	expect 1 "$WEIR" -c -f weir.cfg
	contains err "weir.cfg:13" || fail "first error is missing"
	contains err "weir.cfg:14" || fail "second error is missing"
	contains err "'bind'" || fail "no suggestion"
}

t_check_of_a_file_without_listener_has_status_2() {
	printf 'backend b\n\tserver s 127.0.0.1:1\n' >weir.cfg
	expect 2 "$WEIR" -c -f weir.cfg
	expect 1 "$WEIR" -f weir.cfg
}

t_warnings_are_errors_with_dW() {
	printf 'frontend f\n\tmode http\n\tbind 127.0.0.1:%s\n\tdefault_backend b\nbackend b\n\tmode http\n' \
		"$PORT" >weir.cfg
	expect 0 "$WEIR" -c -f weir.cfg
	contains err '[WARNING]' || fail "missing timeouts give no warning"
	expect 1 "$WEIR" -c -dW -f weir.cfg
}

t_files_directories_and_the_rest_are_read_in_order() {
	mkdir d
	conf "$PORT" hello
	mv weir.cfg d/10.cfg
	echo 'nonsense' >d/20.txt
	printf 'global\n\tnode n1\n' >a
	printf 'global\n\tdescription two words\n' >b
	expect 0 "$WEIR" -c -f d -- a b
	mkdir e
	expect 0 "$WEIR" -C d -c -f 10.cfg
	expect 1 "$WEIR" -C nowhere -c -f 10.cfg
}

t_variables_of_the_program_reach_the_files() {
	conf "$PORT" hello
	cat >>weir.cfg <<'EOF'
.if streq("$HAPROXY_BRANCH",3.5) && streq("$HAPROXY_LOCALPEER",peer1)
.notice "seen ${HAPROXY_CFGFILES}"
.endif
EOF
	expect 0 "$WEIR" -c -L peer1 -f weir.cfg
	contains err 'seen weir.cfg' || fail "variables are missing"
}

t_options_of_later_features_say_so() {
	conf "$PORT" hello
	expect 0 "$WEIR" -c -x /nowhere -S /nowhere -dt -f weir.cfg
	for o in -x -S -dt; do contains err "'$o'" || fail "$o says nothing"; done
}

t_keywords_are_listed() {
	expect 0 "$WEIR" -dKhelp
	contains out 'cfg: ' || fail "no classes"
	expect 0 "$WEIR" -dKall
	for k in 'nbthread <number>' 'return ' 'default_backend' 'show version'; do
		contains out "$k" || [ "$k" = 'show version' ] || fail "$k is not listed"
	done
	expect 1 "$WEIR" -dKnonsense
}

t_configuration_is_dumped() {
	conf "$PORT" hello
	expect 0 "$WEIR" -c -q -dC -f weir.cfg
	contains out 'frontend f' || fail "no dump"
}
