/* SPDX-License-Identifier: MIT */
/*
 * Keywords of proxies that this version does not have, each a clear error; those that have no meaning in weir's
 * design, each a notice; and those that the language itself lost long ago, each an error that names what
 * replaced them.
 */
#include "conf_int.h"

#define LATER(name)                                                                                \
	{                                                                                          \
		name, CONF_PROXY, CONF_NOT_YET | CONF_MAY_NEGATE, 0, -1, NULL, 0, "",              \
		    "not in this version"                                                          \
	}
#define NO_EFFECT(name, why)                                                                       \
	{                                                                                          \
		name, CONF_PROXY, CONF_NO_EFFECT | CONF_MAY_NEGATE, 0, -1, NULL, (uintptr_t)(why), \
		    "", "accepted, without effect"                                                 \
	}

const struct conf_keyword proxy_later_keywords[] = {
	LATER("compression"),
	LATER("crt"),
	LATER("email-alert"),
	LATER("external-check"),
	LATER("filter"),
	LATER("filter-sequence"),
	LATER("guid"),
	LATER("hash-preserve-affinity"),
	LATER("load-server-state-from-file"),
	LATER("quic-initial"),
	LATER("server-state-file-name"),
	LATER("stats"),
	LATER("stick"),
	LATER("stick-table"),
	LATER("use-fcgi-app"),
	LATER("option external-check"),
	LATER("option h1-case-adjust-bogus-client"),
	LATER("option h1-case-adjust-bogus-server"),
	LATER("option ldap-check"),
	LATER("option mysql-check"),
	LATER("option pgsql-check"),
	LATER("option redis-check"),
	LATER("option smtpchk"),
	LATER("option spop-check"),
	LATER("option ssl-hello-chk"),

	NO_EFFECT("max-session-srv-conns",
	    "idle connections are limited by server (pool-max-conn), not by client"),
	NO_EFFECT("option contstats", "bytes are counted when a request or a connection ends"),
	NO_EFFECT("option http-no-delay", "what can be sent is sent at once, with TCP_NODELAY"),
	NO_EFFECT("option idle-close-on-response", "a soft stop closes idle clients at once"),
	NO_EFFECT("option independent-streams",
	    "each side is timed by itself, and only while it is being waited for"),
	NO_EFFECT("option splice-auto", "long payloads are spliced unless 'nosplice' is set"),
	NO_EFFECT("option splice-request", "long payloads are spliced unless 'nosplice' is set"),
	NO_EFFECT("option splice-response", "long payloads are spliced unless 'nosplice' is set"),
	NO_EFFECT("option tcp-smart-accept", "the kernel decides when it acknowledges"),
	NO_EFFECT("option use-small-buffers",
	    "a waiting request keeps only the buffer that its bytes are in"),
	{ .name = NULL },
};

static int tell_removed(const struct conf_call *call)
{
	const char *instead = (const char *)call->row->data;
	conf_error(call->conf, call->line, call->arg - 1,
	    "the '%s' directive is not supported anymore; %s", call->row->name, instead);
	return -1;
}

#define REMOVED(name, instead)                                                                     \
	{                                                                                          \
		name, CONF_PROXY, CONF_REMOVED | CONF_MAY_NEGATE, 0, -1, tell_removed,             \
		    (uintptr_t)(instead), "", "removed: " instead                                  \
	}

const struct conf_keyword proxy_removed_keywords[] = {
	REMOVED("appsession", "use 'stick-table' and 'stick' rules"),
	REMOVED("block", "use 'http-request deny', which takes the same condition"),
	REMOVED("clitimeout", "use 'timeout client'"),
	REMOVED("srvtimeout", "use 'timeout server'"),
	REMOVED("contimeout", "use 'timeout connect'"),
	REMOVED("redisp", "use 'option redispatch'"),
	REMOVED("redispatch", "use 'option redispatch'"),
	REMOVED("transparent", "use 'option transparent'"),
	REMOVED("monitor-net", "use 'http-request return status 200 if { src <network> }'"),
	REMOVED("grace", "use 'grace' of the global section"),
	REMOVED("bind-process", "use the option 'thread' of 'bind'"),
	REMOVED("reqadd", "use 'http-request add-header'"),
	REMOVED("reqallow", "use 'http-request allow'"),
	REMOVED("reqiallow", "use 'http-request allow'"),
	REMOVED("reqdel", "use 'http-request del-header'"),
	REMOVED("reqidel", "use 'http-request del-header'"),
	REMOVED("reqdeny", "use 'http-request deny'"),
	REMOVED("reqideny", "use 'http-request deny'"),
	REMOVED("reqpass", "use 'http-request allow'"),
	REMOVED("reqipass", "use 'http-request allow'"),
	REMOVED("reqrep", "use 'http-request replace-path' or 'replace-header'"),
	REMOVED("reqirep", "use 'http-request replace-path' or 'replace-header'"),
	REMOVED("reqtarpit", "use 'http-request tarpit'"),
	REMOVED("reqitarpit", "use 'http-request tarpit'"),
	REMOVED("rspadd", "use 'http-response add-header'"),
	REMOVED("rspdel", "use 'http-response del-header'"),
	REMOVED("rspidel", "use 'http-response del-header'"),
	REMOVED("rspdeny", "use 'http-response deny'"),
	REMOVED("rspideny", "use 'http-response deny'"),
	REMOVED("rsprep", "use 'http-response replace-header'"),
	REMOVED("rspirep", "use 'http-response replace-header'"),
	REMOVED("option forceclose", "remove it, or use 'option httpclose'"),
	REMOVED("option http-tunnel", "remove it"),
	REMOVED("option http_proxy", "use 'http-request set-uri' and 'set-dst'"),
	REMOVED("option http-use-htx", "remove it"),
	{ .name = NULL },
};
