/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the statistics and of the commands around them: rows from filled counters, answers through
 * cli_run(), and commands while other workers count (run under TSan too).
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/proxy/stats.h"
#include "../../../src/proxy/stream.h"
#include "weir/proxy/commands.h"
#include "weir/upstream/check.h"

#define WORKERS	 3
#define ROUNDS	 300
#define WALL_S	 1000000
#define RUN_NAME "www"

/* The list of the management manual 9.1. */
static const char columns[] =
    "# "
    "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,"
    "status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,"
    "tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,"
    "hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_"
    "abrt,"
    "comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,"
    "agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,"
    "check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,"
    "conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,"
    "qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,"
    "need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status,srid,"
    "sess_other,h1_sess,h2_sess,h3_sess,req_other,h1req,h2req,h3req,proto,priv_idle_cur,reqbin,"
    "reqbout,resbin,resbout,cache_hint_hits,-,"
    "ssl_sess,ssl_reused_sess,ssl_failed_handshake,"
    "h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,"
    "h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,h2_rst_stream_resp,"
    "h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,"
    "h2_backend_total_streams,h2_glitches,h2_limit_resets,h2_limit_continuations,h2_limit_floods,"
    "h2_limit_header_lists,h2_limit_glitches,h2_limit_streams,\n";

static struct worker_group *group;
static struct process process;
static struct config config;
static struct proxy www; /* a listen section with one server */
static struct proxy_rt www_rt;
static struct backend_rt be_rt;
static struct server srv;
static struct server *servers[] = { &srv };
static struct server_rt srv_rt;
static struct server_local locals[WORKERS];
static struct server_dest dest;
static struct check_conf check_conf;
static struct check check;
static struct cookie_conf cookie;
static struct bind_conf listen_conf;
static struct bind_stats listen_stats;
static struct cli *cli;
static struct strbuf out;
static struct stats_row row;

static const struct cli_command *const tables[] = { proxy_stat_commands, proxy_info_commands,
	proxy_session_commands, proxy_frontend_commands, proxy_debug_commands, NULL };

/* ---- fixture ---- */

static void make_server(void)
{
	srv = (struct server){ .name = "s1",
		.id = 7,
		.be = &www.be,
		.rt = &srv_rt,
		.check = &check_conf,
		.cookie = "aa",
		.maxqueue = 5,
		.weight = 10,
		.pool_max_conn = UINT32_MAX };
	dest.addr.len = sizeof(dest.addr.in);
	dest.addr.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(8080) };
	dest.addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check = (struct check){ .rise = 2,
		.fall = 3,
		.health = 4,
		.status = CHECK_L7OK,
		.code = 200,
		.duration_ms = 12 };
	memset(&srv_rt, 0, sizeof(srv_rt));
	pthread_mutex_init(&srv_rt.lock, NULL);
	atomic_store(&srv_rt.dest, &dest);
	srv_rt.counters = counters_new(WORKERS);
	srv_rt.local = locals;
	srv_rt.queue = server_queue_new();
	srv_rt.check = &check;
	srv_rt.oper = SERVER_RUNNING;
	srv_rt.uweight = 10;
	srv_rt.maxconn = 20;
	srv_rt.changed_wall_s = WALL_S - 50;
	atomic_store(&srv_rt.eweight, 10 * SERVER_WEIGHT_SCALE);
	atomic_store(&srv_rt.usable, 1);
	for (unsigned i = 0; i < WORKERS; i++) {
		list_init(&locals[i].idle);
		list_init(&locals[i].streams);
	}
}

static void make_proxy(void)
{
	memset(&be_rt, 0, sizeof(be_rt));
	memset(&www_rt, 0, sizeof(www_rt));
	pthread_mutex_init(&be_rt.lock, NULL);
	be_rt.counters = counters_new(WORKERS);
	be_rt.queue = server_queue_new();
	be_rt.changed_wall_s = WALL_S - 50;
	atomic_store(&be_rt.usable_servers, 1);
	www_rt.counters = counters_new(WORKERS);
	www_rt.maxconn = 50;
	cookie = (struct cookie_conf){ .name = SLICE("SRV") };
	listen_stats.counters = counters_new(WORKERS);
	listen_conf = (struct bind_conf){ .fe = &www, .id = 1, .addr = dest.addr };
	www = (struct proxy){ .name = RUN_NAME,
		.id = 2,
		.caps = PROXY_FE | PROXY_BE,
		.mode = PROXY_HTTP,
		.config = &config,
		.rt = &www_rt,
		.binds = &listen_conf };
	www.be = (struct backend){ .name = RUN_NAME,
		.id = 2,
		.http = true,
		.servers = servers,
		.servers_n = 1,
		.fullconn = 5,
		.cookie = &cookie,
		.workers = WORKERS,
		.rt = &be_rt };
}

static int set_up(void **state)
{
	(void)state;
	group = worker_group_new(WORKERS, 32);
	make_server();
	make_proxy();
	memset(&config, 0, sizeof(config));
	atomic_store(&config.refs, 1);
	config.proxies = &www;
	assert_int_equal(
	    htab_insert(&config.frontends, &www.node, hash_slice(slice_str(RUN_NAME))), 0);
	assert_int_equal(
	    htab_insert(&config.backends, &www.be_node, hash_slice(slice_str(RUN_NAME))), 0);
	memset(&process, 0, sizeof(process));
	pthread_mutex_init(&process.errors.lock, NULL);
	process.config = &config;
	process.workers = group;
	process.maxconn = 200;
	process.counters = aligned_alloc(WEIR_CACHELINE, WORKERS * sizeof(process.counters[0]));
	memset(process.counters, 0, WORKERS * sizeof(process.counters[0]));
	struct cli_setup setup = {
		.tables = tables, .user = &process, .worker = worker_get(group, 0)
	};
	cli = cli_new(&setup);
	assert_non_null(cli);
	out = STRBUF_INIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_free(cli);
	strbuf_done(&out);
	free(process.counters);
	counters_free(listen_stats.counters);
	counters_free(www_rt.counters);
	counters_free(be_rt.counters);
	counters_free(srv_rt.counters);
	server_queue_free(be_rt.queue);
	server_queue_free(srv_rt.queue);
	htab_done(&config.frontends);
	htab_done(&config.backends);
	worker_group_free(group);
	return 0;
}

static const char *run(enum cli_level level, const char *line)
{
	strbuf_clear(&out);
	cli_run(cli, level, line, &out);
	return strbuf_str(&out);
}

static struct stats_view view(void)
{
	return (struct stats_view){ .process = &process,
		.workers = WORKERS,
		.now_ms = 100000,
		.now_wall_s = WALL_S,
		.legends = true };
}

static void assert_u64(enum stat_column at, uint64_t value)
{
	if (row.f[at].type != FIELD_U32 && row.f[at].type != FIELD_U64)
		fail_msg("%s is not a number", stats_columns[at].name);
	if (row.f[at].u64 != value)
		fail_msg("%s is %llu, not %llu", stats_columns[at].name,
		    (unsigned long long)row.f[at].u64, (unsigned long long)value);
}

static void assert_str(enum stat_column at, const char *text)
{
	assert_int_equal(row.f[at].type, FIELD_STR);
	assert_string_equal(row.f[at].str, text);
}

static void assert_empty(const enum stat_column *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (row.f[at[i]].type != FIELD_EMPTY)
			fail_msg("%s is not empty", stats_columns[at[i]].name);
	}
}

/* ---- rows ---- */

static void columns_have_the_published_names_and_order(void **state)
{
	(void)state;
	run(CLI_USER, "show stat -1 0 -1"); /* no type: the header alone */
	assert_int_equal(out.len, strlen(columns) + 1);
	assert_memory_equal(out.ptr, columns, strlen(columns));
}

static void frontend_row_sums_all_workers(void **state)
{
	static const enum stat_column empty[] = { STAT_QCUR, STAT_ECON, STAT_WEIGHT, STAT_LBTOT,
		STAT_CLI_ABRT, STAT_ADDR, STAT_COOKIE, STAT_ALGO, STAT_CONNECT, STAT_UWEIGHT };
	struct stats_view v = view();
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		counter_add(&www_rt.counters[i].sess_tot, 10);
		counter_add(&www_rt.counters[i].bytes_in, 100);
		counter_add(&www_rt.counters[i].rsp_2xx, i);
		counter_add(&www_rt.counters[i].req_tot, 7);
	}
	atomic_store(&www_rt.fe_conns, 4);
	atomic_store(&www_rt.g.sess_max, 9);
	stats_frontend(&v, &www, &row);
	assert_str(STAT_PXNAME, RUN_NAME);
	assert_str(STAT_SVNAME, "FRONTEND");
	assert_str(STAT_STATUS, "OPEN");
	assert_str(STAT_MODE, "http");
	assert_u64(STAT_SCUR, 4);
	assert_u64(STAT_SMAX, 9);
	assert_u64(STAT_SLIM, 50);
	assert_u64(STAT_STOT, 30);
	assert_u64(STAT_BIN, 300);
	assert_u64(STAT_HRSP_2XX, 3);
	assert_u64(STAT_REQ_TOT, 21);
	assert_u64(STAT_H1_SESS, 30);
	assert_u64(STAT_TYPE, 0);
	assert_u64(STAT_IID, 2);
	assert_u64(STAT_SID, 0);
	assert_u64(STAT_PID, 1);
	assert_empty(empty, ARRAY_SIZE(empty));
}

static void frontend_without_a_limit_shows_that_of_the_process(void **state)
{
	struct stats_view v = view();
	(void)state;
	atomic_store(&www_rt.maxconn, 0);
	stats_frontend(&v, &www, &row);
	assert_u64(STAT_SLIM, 200);
}

static void tcp_rows_have_no_http_columns(void **state)
{
	static const enum stat_column empty[] = { STAT_HRSP_1XX, STAT_HRSP_OTHER,
		STAT_CACHE_LOOKUPS };
	struct stats_view v = view();
	(void)state;
	www.mode = PROXY_TCP;
	stats_frontend(&v, &www, &row);
	assert_empty(empty, ARRAY_SIZE(empty));
	assert_u64(STAT_REQ_TOT, 0); /* frontends show it in any mode */
	stats_server(&v, &www, &srv, &row);
	assert_empty(empty, ARRAY_SIZE(empty));
	assert_int_equal(row.f[STAT_REQ_TOT].type, FIELD_EMPTY);
}

static void server_row_shows_health_weight_and_limits(void **state)
{
	static const enum stat_column empty[] = { STAT_DREQ, STAT_EREQ, STAT_RATE_LIM,
		STAT_THROTTLE, STAT_TRACKED, STAT_REQ_RATE, STAT_CONN_TOT, STAT_SRC_ILIM,
		STAT_AGENT_STATUS, STAT_INTERCEPTED };
	struct stats_view v = view();
	(void)state;
	srv_rt.down_count = 3;
	srv_rt.downtime_s = 44;
	locals[1].used_n = 2;
	stats_server(&v, &www, &srv, &row);
	assert_str(STAT_SVNAME, "s1");
	assert_str(STAT_STATUS, "UP");
	assert_str(STAT_CHECK_STATUS, "L7OK");
	assert_str(STAT_ADDR, "127.0.0.1:8080");
	assert_str(STAT_COOKIE, "aa");
	assert_u64(STAT_CHECK_CODE, 200);
	assert_u64(STAT_CHECK_DURATION, 12);
	assert_u64(STAT_CHECK_HEALTH, 4);
	assert_u64(STAT_CHKDOWN, 3);
	assert_u64(STAT_DOWNTIME, 44);
	assert_u64(STAT_LASTCHG, 50);
	assert_u64(STAT_WEIGHT, 10);
	assert_u64(STAT_UWEIGHT, 10);
	assert_u64(STAT_ACT, 1);
	assert_u64(STAT_BCK, 0);
	assert_u64(STAT_SLIM, 20);
	assert_u64(STAT_QLIMIT, 5);
	assert_u64(STAT_SID, 7);
	assert_u64(STAT_TYPE, 2);
	assert_u64(STAT_USED_CONN_CUR, 2);
	assert_int_equal(row.f[STAT_LASTSESS].s64, -1);
	assert_empty(empty, ARRAY_SIZE(empty));
	locals[1].used_n = 0;
}

static void running_check_is_marked(void **state)
{
	struct stats_view v = view();
	(void)state;
	check.running = true;
	stats_server(&v, &www, &srv, &row);
	assert_str(STAT_CHECK_STATUS, "* L7OK");
}

static void slow_start_shows_its_percentage(void **state)
{
	struct stats_view v = view();
	(void)state;
	srv_rt.oper = SERVER_STARTING;
	atomic_store(&srv_rt.eweight, 10 * SERVER_WEIGHT_SCALE / 4);
	stats_server(&v, &www, &srv, &row);
	assert_u64(STAT_THROTTLE, 25);
	assert_u64(STAT_WEIGHT, 3); /* what is left of one counts as one */
}

static void backend_row_adds_usable_servers(void **state)
{
	struct stats_view v = view();
	(void)state;
	stats_backend(&v, &www, &row);
	assert_str(STAT_STATUS, "UP");
	assert_str(STAT_COOKIE, "SRV");
	assert_u64(STAT_WEIGHT, 10);
	assert_u64(STAT_ACT, 1);
	assert_u64(STAT_SLIM, 5);
	assert_u64(STAT_TYPE, 1);
	atomic_store(&srv_rt.usable, 0);
	atomic_store(&be_rt.usable_servers, 0);
	be_rt.downtime_s = 7;
	stats_backend(&v, &www, &row);
	assert_str(STAT_STATUS, "DOWN");
	assert_u64(STAT_WEIGHT, 0);
	assert_u64(STAT_ACT, 0);
	assert_u64(STAT_DOWNTIME, 57); /* the present time down is in it */
}

static void averages_are_those_of_the_samples(void **state)
{
	struct stats_view v = view();
	(void)state;
	counters_times_add(&srv_rt.counters[0], 1, 10, 100, 1000);
	counters_times_add(&srv_rt.counters[2], 3, 30, 300, 3000);
	atomic_store(&srv_rt.g.last_session_s, WALL_S - 5);
	stats_server(&v, &www, &srv, &row);
	assert_u64(STAT_QTIME, 2);
	assert_u64(STAT_CTIME, 20);
	assert_u64(STAT_RTIME, 200);
	assert_u64(STAT_TTIME, 2000);
	assert_int_equal(row.f[STAT_LASTSESS].s64, 5);
}

static void averages_forget_what_is_older_than_their_samples(void **state)
{
	struct counters *c = &srv_rt.counters[0];
	struct stats_view v = view();
	(void)state;
	for (unsigned i = 0; i < COUNTERS_TIME_SAMPLES; i++)
		counters_times_add(c, 0, 0, 0, 5000);
	for (unsigned i = 0; i < 12 * COUNTERS_TIME_SAMPLES; i++)
		counters_times_add(c, 0, 0, 0, 100);
	stats_server(&v, &www, &srv, &row);
	assert_true(row.f[STAT_TTIME].u64 >= 99 && row.f[STAT_TTIME].u64 <= 101);
}

static void burst_that_nothing_follows_is_the_highest_rate(void **state)
{
	size_t offset = offsetof(struct counters, sess_rate);
	struct stats_view v = view();
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		counters_rate_add(
		    www_rt.counters, WORKERS, i % 2, offset, &www_rt.g.sess_rate_max, 50000);
	stats_frontend(&v, &www, &row); /* 50 seconds later */
	assert_u64(STAT_RATE, 0);
	assert_u64(STAT_RATE_MAX, 5);
	counters_rate_add(www_rt.counters, WORKERS, 0, offset, &www_rt.g.sess_rate_max, 90000);
	assert_int_equal(atomic_load(&www_rt.g.sess_rate_max), 5);
}

static void listener_row_needs_socket_stats(void **state)
{
	struct stats_view v = view();
	(void)state;
	assert_null(strstr(run(CLI_ADMIN, "show stat"), "sock-1"));
	listen_conf.stats = &listen_stats;
	assert_non_null(strstr(run(CLI_ADMIN, "show stat"), "\nwww,sock-1,,,"));
	counter_add(&listen_stats.counters[1].sess_tot, 3);
	atomic_store(&listen_stats.g.sess_cur, 2);
	stats_listener(&v, &listen_conf, &row);
	assert_u64(STAT_STOT, 3);
	assert_u64(STAT_SCUR, 2);
	assert_u64(STAT_TYPE, 3);
	assert_u64(STAT_SID, 1);
	assert_str(STAT_PROTO, "tcpv4");
	assert_str(STAT_STATUS, "OPEN");
	listen_conf.maxconn = 2;
	stats_listener(&v, &listen_conf, &row);
	assert_str(STAT_STATUS, "FULL");
}

/* ---- show stat ---- */

static unsigned lines(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void show_stat_selects_by_proxy_type_and_number(void **state)
{
	(void)state;
	/* header, rows, and the empty line that ends an answer */
	assert_int_equal(lines(run(CLI_USER, "show stat")), 1 + 3 + 1);
	assert_int_equal(lines(run(CLI_USER, "show stat www 1 -1")), 1 + 1 + 1);
	assert_non_null(strstr(run(CLI_USER, "show stat 2 4 7"), "\nwww,s1,"));
	assert_null(strstr(run(CLI_USER, "show stat 2 4 8"), "\nwww,s1,"));
	assert_null(strstr(run(CLI_USER, "show stat 3 -1 -1"), "\nwww"));
	assert_non_null(strstr(run(CLI_USER, "show stat domain proxy -1 2 -1"), "\nwww,BACKEND,"));
	assert_string_equal(run(CLI_USER, "show stat nosuch 1 1"), "No such proxy.\n\n");
	assert_string_equal(
	    run(CLI_USER, "show stat domain foo"), "Invalid statistics domain.\n\n");
}

static void addresses_and_cookies_need_a_level_above_user(void **state)
{
	(void)state;
	assert_null(strstr(run(CLI_USER, "show stat www 4 -1"), "127.0.0.1:8080"));
	assert_non_null(strstr(run(CLI_OPERATOR, "show stat www 4 -1"), "127.0.0.1:8080,aa,"));
}

static void up_and_no_maint_hide_servers(void **state)
{
	(void)state;
	srv_rt.admin = SERVER_FMAINT;
	atomic_store(&srv_rt.usable, 0);
	assert_null(strstr(run(CLI_USER, "show stat no-maint"), "\nwww,s1,"));
	srv_rt.admin = 0;
	assert_non_null(strstr(run(CLI_USER, "show stat no-maint"), "\nwww,s1,"));
	assert_null(strstr(run(CLI_USER, "show stat up"), "\nwww,s1,"));
}

static void typed_and_json_forms_name_the_object(void **state)
{
	(void)state;
	const char *typed = run(CLI_USER, "show stat typed desc");
	assert_non_null(strstr(typed, "F.2.0.0.pxname.1:KNSV:str:www:\"Name of the proxy\"\n"));
	assert_non_null(strstr(typed, "\nS.2.7.28.sid.1:KGSV:u32:7:"));
	assert_null(strstr(typed, ".-.1:"));
	const char *json = run(CLI_USER, "show stat json");
	assert_memory_equal(json, "[[{\"objType\":\"Frontend\",\"proxyId\":2,\"id\":0,", 42);
	assert_non_null(strstr(json, "}],[{\"objType\":\"Server\",\"proxyId\":2,\"id\":7,"));
	assert_string_equal(json + strlen(json) - 5, "}]]\n\n");
}

/* ---- commands that change something ---- */

static void clear_counters_keeps_totals_and_all_does_not(void **state)
{
	(void)state;
	counter_add(&www_rt.counters[1].sess_tot, 3);
	atomic_store(&www_rt.fe_conns, 2);
	atomic_store(&www_rt.g.sess_max, 9);
	atomic_store(&srv_rt.g.ttime_max, 50);
	assert_string_equal(run(CLI_USER, "clear counters"), "Permission denied\n\n");
	assert_string_equal(run(CLI_OPERATOR, "clear counters"), "\n");
	assert_int_equal(atomic_load(&www_rt.g.sess_max), 2); /* what is there now */
	assert_int_equal(atomic_load(&srv_rt.g.ttime_max), 0);
	assert_int_equal(www_rt.counters[1].sess_tot, 3);
	assert_string_equal(run(CLI_OPERATOR, "clear counters all"), "Permission denied\n\n");
	assert_string_equal(run(CLI_ADMIN, "clear counters all"), "\n");
	assert_int_equal(www_rt.counters[1].sess_tot, 0);
}

static void clear_counters_server_leaves_the_others(void **state)
{
	(void)state;
	counter_add(&srv_rt.counters[1].sess_tot, 3);
	counter_add(&www_rt.counters[1].sess_tot, 3);
	assert_string_equal(run(CLI_ADMIN, "clear counters server www/x"), "No such server.\n\n");
	assert_string_equal(run(CLI_ADMIN, "clear counters server www/s1"), "\n");
	assert_int_equal(srv_rt.counters[1].sess_tot, 0);
	assert_int_equal(www_rt.counters[1].sess_tot, 3);
}

static void maxconn_values_are_checked_before_they_count(void **state)
{
	(void)state;
	assert_string_equal(run(CLI_ADMIN, "set maxconn global 201"), "Value out of range.\n\n");
	assert_string_equal(run(CLI_ADMIN, "set maxconn global -1"), "Value out of range.\n\n");
	assert_string_equal(run(CLI_ADMIN, "set maxconn global"), "Expects an integer value.\n\n");
	assert_string_equal(
	    run(CLI_ADMIN, "set maxconn frontend nosuch 1"), "No such frontend.\n\n");
	assert_string_equal(run(CLI_OPERATOR, "set maxconn global 1"), "Permission denied\n\n");
	assert_int_equal(atomic_load(&process.maxconn), 200);
}

static void unknown_frontends_are_told(void **state)
{
	(void)state;
	assert_string_equal(run(CLI_ADMIN, "disable frontend"), "A frontend name is expected.\n\n");
	assert_string_equal(run(CLI_ADMIN, "disable frontend x"), "No such frontend.\n\n");
	assert_string_equal(
	    run(CLI_ADMIN, "enable frontend www"), "All sockets are already enabled.\n\n");
	atomic_store(&www_rt.state, PROXY_STOPPED);
	assert_string_equal(run(CLI_ADMIN, "enable frontend www"),
	    "Frontend was previously shut down, cannot enable.\n\n");
	assert_non_null(strstr(run(CLI_USER, "show stat www 1 -1"), ",STOP,"));
}

static void show_info_has_its_names_in_order(void **state)
{
	(void)state;
	const char *text = run(CLI_USER, "show info");
	assert_memory_equal(text, "Name: weir\nVersion: ", 20);
	const char *a = strstr(text, "\nMaxconn: 200\n"), *b = strstr(text, "\nCurrConns: 0\n");
	assert_true(a && b && a < b);
	assert_non_null(strstr(run(CLI_USER, "show info typed"), "15.Maxconn.1:CLPV:u32:200\n"));
	assert_non_null(strstr(run(CLI_USER, "show info float"), "\nUptime_sec: "));
}

/* ---- sessions ---- */

static void session_is_listed_until_its_worker_has_none(void **state)
{
	struct proxy_local local = { .process = &process };
	struct worker *w = worker_get(group, 2);
	struct client client = { .fe = &www, .bind = &listen_conf };
	struct stream s = { .worker = w,
		.cli = &client,
		.fe = &www,
		.ce = &client.m.ep,
		.id = 5,
		.cx.src = &client.src,
		.state = ST_QUEUE };
	(void)state;
	list_init(&local.stream_list);
	list_add_tail(&local.stream_list, &s.all);
	local.streams_n = 1;
	client.src.in = dest.addr.in;
	client.accept_us = worker_get(group, 0)->clock.mono_us;
	timer_init(&s.timer, NULL);
	w->slot[WORKER_SLOT_PROXY] = &local;
	const char *text = run(CLI_OPERATOR, "show sess");
	assert_memory_equal(text, "0x142: proto=tcpv4 src=127.0.0.1:8080 fe=www be=<NONE> ", 54);
	assert_non_null(strstr(text, " ts=02 age=0s state=queue "));
	assert_non_null(strstr(run(CLI_OPERATOR, "show sess 0x142"), "\n  frontend=www (id=2 "));
	assert_string_equal(run(CLI_OPERATOR, "show sess 0x143"), "Session not found.\n\n");
	assert_string_equal(run(CLI_OPERATOR, "show sess server www/s1"), "\n");
	assert_string_equal(
	    run(CLI_ADMIN, "shutdown session 0x143"), "No such session (use 'show sess').\n\n");
	assert_int_equal(atomic_load(&config.refs), 1);
	w->slot[WORKER_SLOT_PROXY] = NULL;
}

/* ---- with workers that run ---- */

struct busy {
	struct task task;
	unsigned rounds;
};

static struct busy busy[WORKERS];

/* Counts as a worker does while worker 0 runs commands. */
static void count_some(struct worker *w, struct task *task)
{
	(void)task;
	counters_rate_add(www_rt.counters, WORKERS, w->id, offsetof(struct counters, sess_rate),
	    &www_rt.g.sess_rate_max, worker_now_ms(w));
	counter_inc(&srv_rt.counters[w->id].sess_tot);
	counters_times_add(&srv_rt.counters[w->id], 1, 2, 3, 4);
	gauge_inc(&www_rt.fe_conns, &www_rt.g.sess_max);
	gauge_dec(&www_rt.fe_conns);
	task_wake(w, &busy[w->id].task);
}

static void command_rounds(struct worker *w, struct task *task)
{
	static const char *const commands[] = { "show stat", "show info", "show sess all",
		"clear counters", "show pools", "show activity", "clear counters all",
		"show errors" };
	struct busy *b = container_of(task, struct busy, task);
	run(CLI_ADMIN, commands[b->rounds % ARRAY_SIZE(commands)]);
	assert_false(out.failed);
	if (++b->rounds == ROUNDS)
		worker_group_stop(w->group);
	else
		task_wake(w, task);
}

static void on_start(struct worker *w)
{
	task_init(&busy[w->id].task, w->id ? count_some : command_rounds);
	task_wake(w, &busy[w->id].task);
}

static void commands_run_while_other_workers_count(void **state)
{
	(void)state;
	busy[0].rounds = 0;
	assert_int_equal(worker_group_run(group, on_start), 0);
	assert_int_equal(busy[0].rounds, ROUNDS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(columns_have_the_published_names_and_order),
		T(frontend_row_sums_all_workers),
		T(frontend_without_a_limit_shows_that_of_the_process),
		T(tcp_rows_have_no_http_columns),
		T(server_row_shows_health_weight_and_limits),
		T(running_check_is_marked),
		T(slow_start_shows_its_percentage),
		T(backend_row_adds_usable_servers),
		T(averages_are_those_of_the_samples),
		T(averages_forget_what_is_older_than_their_samples),
		T(burst_that_nothing_follows_is_the_highest_rate),
		T(listener_row_needs_socket_stats),
		T(show_stat_selects_by_proxy_type_and_number),
		T(addresses_and_cookies_need_a_level_above_user),
		T(up_and_no_maint_hide_servers),
		T(typed_and_json_forms_name_the_object),
		T(clear_counters_keeps_totals_and_all_does_not),
		T(clear_counters_server_leaves_the_others),
		T(maxconn_values_are_checked_before_they_count),
		T(unknown_frontends_are_told),
		T(show_info_has_its_names_in_order),
		T(session_is_listed_until_its_worker_has_none),
		T(commands_run_while_other_workers_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
