/* SPDX-License-Identifier: MIT */
/*
 * From results of checks to the state of a server: counting rise and fall, the interval until the next check,
 * and the lines about it. Called by the check's worker; findings are under the server's lock.
 */
#include "check_internal.h"

static const struct {
	const char *name, *text;
} statuses[CHECK_STATUS_N] = {
	[CHECK_UNKNOWN] = { "UNK", "Unknown" },
	[CHECK_INI] = { "INI", "Initializing" },
	[CHECK_START] = { "START", "Check started" },
	[CHECK_HANA] = { "HANA", "Health analyze" },
	[CHECK_SOCKERR] = { "SOCKERR", "Socket error" },
	[CHECK_L4OK] = { "L4OK", "Layer4 check passed" },
	[CHECK_L4TOUT] = { "L4TOUT", "Layer4 timeout" },
	[CHECK_L4CON] = { "L4CON", "Layer4 connection problem" },
	[CHECK_L6OK] = { "L6OK", "Layer6 check passed" },
	[CHECK_L6TOUT] = { "L6TOUT", "Layer6 timeout" },
	[CHECK_L6RSP] = { "L6RSP", "Layer6 invalid response" },
	[CHECK_L7TOUT] = { "L7TOUT", "Layer7 timeout" },
	[CHECK_L7RSP] = { "L7RSP", "Layer7 invalid response" },
	[CHECK_L7OK] = { "L7OK", "Layer7 check passed" },
	[CHECK_L7OKC] = { "L7OKC", "Layer7 check conditionally passed" },
	[CHECK_L7STS] = { "L7STS", "Layer7 wrong status" },
	[CHECK_PROCERR] = { "PROCERR", "External check error" },
	[CHECK_PROCTOUT] = { "PROCTOUT", "External check timeout" },
	[CHECK_PROCOK] = { "PROCOK", "External check passed" },
};

const char *check_status_name(enum check_status status)
{
	return statuses[status].name ? statuses[status].name : "UNK";
}

const char *check_status_text(enum check_status status)
{
	return statuses[status].text ? statuses[status].text : "Unknown";
}

unsigned check_interval_ms(const struct server *s)
{
	const struct check_conf *c = s->check;
	struct server_rt *rt = s->rt;
	pthread_mutex_lock(&rt->lock);
	const struct check *k = rt->check;
	bool up = k->health == k->rise + k->fall - 1, down = k->health == 0;
	bool unchecked = k->status == CHECK_INI;
	pthread_mutex_unlock(&rt->lock);
	if (up && !unchecked)
		return c->inter_ms;
	if (down && !unchecked)
		return c->down_ms ? c->down_ms : c->inter_ms;
	return c->fast_ms ? c->fast_ms : c->inter_ms;
}

/* What a server said may be part of the text: bytes that would break a line apart become "<0A>". */
static void plain_text(const char *text, char *out, size_t size)
{
	size_t at = 0;
	for (; *text && at + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 32 || c > 126 || c == '"' || c == '<' || c == '>')
			at += (size_t)snprintf(out + at, size - at, "<%02X>", c);
		else
			out[at++] = (char)c;
	}
	out[at] = 0;
}

/* "reason: Layer4 connection problem, info: "...", check duration: 0ms". */
static void reason_text(const struct check *k, char *out, size_t size)
{
	char code[32] = "", desc[192];
	plain_text(k->desc, desc, sizeof(desc));
	/* other results have none, whatever was received */
	if (k->status == CHECK_L7OK || k->status == CHECK_L7OKC || k->status == CHECK_L7STS)
		snprintf(code, sizeof(code), ", code: %u", k->code);
	snprintf(out, size, "reason: %s%s%s%s%s, check duration: %ums",
	    check_status_text(k->status), code, *desc ? ", info: \"" : "", desc, *desc ? "\"" : "",
	    k->duration_ms);
}

static const char *state_word(const struct server_rt *rt, const struct check *k)
{
	if (k->health < k->rise)
		return "DOWN";
	return rt->admin & SERVER_DRAIN ? "DRAIN" : rt->oper == SERVER_STOPPING ? "NOLB" : "UP";
}

/* The line of "option log-health-checks". The caller holds the lock; text is written behind it. */
static void health_text(const struct server *s, char *out, size_t size)
{
	static const char *const outcome[] = {
		[CHECK_RES_FAILED] = "failed",
		[CHECK_RES_PASSED] = "succeeded",
		[CHECK_RES_CONDPASS] = "conditionally succeeded",
		[CHECK_RES_NEUTRAL] = "done",
		[CHECK_RES_UNKNOWN] = "done",
	};
	const struct check *k = s->rt->check;
	char reason[320];
	bool up = k->health >= k->rise;
	reason_text(k, reason, sizeof(reason));
	snprintf(out, size, "Health check for %sserver %s/%s %s, %s, status: %u/%u %s.",
	    s->backup ? "backup " : "", s->be->name, s->name, outcome[k->result], reason,
	    up ? k->health - k->rise + 1 : k->health, up ? k->fall : k->rise, state_word(s->rt, k));
}

/* Counts one result; *ret_to is where the server goes when true is returned. Under the lock. */
static bool count_result(struct server_rt *rt, struct check *k, enum server_oper *ret_to)
{
	unsigned top = k->rise + k->fall - 1;
	switch (k->result) {
	case CHECK_RES_PASSED:
		if (k->health < top)
			k->health++;
		if (k->health < k->rise)
			return false;
		k->health = top;
		*ret_to = SERVER_RUNNING;
		return rt->oper == SERVER_STOPPED || rt->oper == SERVER_STOPPING;
	case CHECK_RES_CONDPASS:
		if (k->health < k->rise)
			return false; /* a stopped one stays stopped */
		k->health = top;
		*ret_to = SERVER_STOPPING;
		return rt->oper == SERVER_RUNNING || rt->oper == SERVER_STARTING;
	case CHECK_RES_FAILED:
		if (k->health >= k->rise)
			rt->check_fail_count++;
		if (k->health > k->rise) {
			k->health--;
			return false;
		}
		k->health = 0;
		*ret_to = SERVER_STOPPED;
		return rt->oper != SERVER_STOPPED;
	default:
		return false;
	}
}

void check_report(struct worker *w, struct server *s, enum check_status status,
    enum check_result result, unsigned code, unsigned duration_ms, const char *desc)
{
	struct server_rt *rt = s->rt;
	struct check *k = rt->check;
	enum server_oper to = SERVER_RUNNING;
	char reason[320] = "", line[512] = "";
	pthread_mutex_lock(&rt->lock);
	k->running = false;
	if (k->paused || rt->admin & SERVER_MAINT) {
		pthread_mutex_unlock(&rt->lock);
		return;
	}
	enum check_status old_status = k->status;
	unsigned old_health = k->health;
	k->status = status;
	k->result = result;
	k->code = code;
	k->duration_ms = duration_ms;
	snprintf(k->desc, sizeof(k->desc), "%s", desc ? desc : "");
	bool changes = count_result(rt, k, &to);
	if (s->be->log_health_checks) {
		if (old_status != status || old_health != k->health)
			health_text(s, line, sizeof(line));
	} else {
		reason_text(k, reason, sizeof(reason));
	}
	pthread_mutex_unlock(&rt->lock);
	if (*line && s->be->logs)
		log_emit(w, s->be->logs, LOG_LV_NOTICE, slice_str(line));
	if (changes)
		server_set_oper(w, s, to, *reason ? reason : NULL);
}

void check_force(struct worker *w, struct server *s, enum server_oper to)
{
	struct server_rt *rt = s->rt;
	pthread_mutex_lock(&rt->lock);
	struct check *k = rt->check;
	if (k)
		k->health = to == SERVER_STOPPED ? 0 : k->rise + k->fall - 1;
	pthread_mutex_unlock(&rt->lock);
	server_set_oper(w, s, to, "changed from CLI");
}
