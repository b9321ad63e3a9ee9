/* SPDX-License-Identifier: MIT */
/*
 * Tuning and debugging keywords (configuration manual 3.2 to 3.4) that are accepted and have no effect, each with
 * what weir does instead.
 */
#include "conf_global.h"

#define NO_H1_GLITCHES "what is odd in HTTP/1 is refused, not counted"
#define NO_QUIC	       "QUIC is not supported, so nothing uses it"
#define NO_LUA	       "scripts are not supported yet, so nothing uses it"
#define NO_COMP	       "compression is not supported yet, so nothing uses it"
#define POOLS	       "weir frees what its pools do not need to keep"
#define ONE_GROUP      "weir has one thread group"
#define ZERO_COPY                                                                                  \
	"weir forwards without a copy wherever it can; 'tune.disable-zero-copy-forwarding' stops " \
	"that"
#define NO_CLIENT "nothing in weir asks other servers for data by itself yet"
#define NO_DGRAM  "it is about datagram sockets, of which weir has none in its proxies"

/* The text says what weir does instead; it is shown when the keyword is used. */
#define IGNORED(name, usage, instead)                                                              \
	{                                                                                          \
		name, CONF_GLOBAL, CONF_NO_EFFECT | CONF_MAY_NEGATE, 0, -1, NULL,                  \
		    (uintptr_t)(instead), usage, "no effect: " instead                             \
	}

const struct conf_keyword global_tune_ignored_keywords[] = {
	IGNORED("busy-polling", "", "a worker sleeps when there is nothing to do"),
	IGNORED("maxcompcpuusage", "<number>", NO_COMP),
	IGNORED("maxcomprate", "<number>", NO_COMP),
	IGNORED("maxzlibmem", "<number>", NO_COMP),
	IGNORED("tune.comp.maxlevel", "<number>", NO_COMP),
	IGNORED("tune.zlib.memlevel", "<number>", NO_COMP),
	IGNORED("tune.zlib.windowsize", "<number>", NO_COMP),
	IGNORED("no-memory-trimming", "", POOLS),
	IGNORED("tune.memory.hot-size", "<number>", POOLS),
	IGNORED("noepoll", "", "epoll is weir's only poller and stays in use"),
	IGNORED("noevports", "", "weir never uses event ports"),
	IGNORED("nokqueue", "", "weir never uses kqueue"),
	IGNORED("nopoll", "", "weir never uses poll()"),
	IGNORED("nogetaddrinfo", "", "names are always resolved with getaddrinfo()"),
	IGNORED("profiling.memory", "on|off", "weir has no profiler of its own"),
	IGNORED("tune.applet.zero-copy-forwarding", "on|off", ZERO_COPY),
	IGNORED("tune.pt.zero-copy-forwarding", "on|off", ZERO_COPY),
	IGNORED("tune.h1.zero-copy-fwd-send", "on|off", ZERO_COPY),
	IGNORED("tune.h2.zero-copy-fwd-send", "on|off", ZERO_COPY),
	IGNORED("tune.quic.zero-copy-fwd-send", "on|off", ZERO_COPY),
	IGNORED("tune.buffers.reserve", "<number>",
	    "buffers are taken when they are needed, none in reserve"),
	IGNORED("tune.bufsize.large", "<size>", "weir has one size of buffers for messages"),
	IGNORED("tune.bufsize.small", "<size>", "weir has one size of buffers for messages"),
	IGNORED("tune.defaults.purge", "[all|none|<element>[,...]]",
	    "defaults sections go with their configuration"),
	IGNORED("tune.epoll.mask-events", "<event>[,...]", "all events are handled"),
	IGNORED("tune.events.max-events-at-once", "<number>", "weir has no such events"),
	IGNORED("tune.fd.edge-triggered", "on|off", "connections are always edge-triggered"),
	IGNORED("tune.fd.tables", "shared|per-thread-group", "weir has one table of descriptors"),
	IGNORED("tune.idle-pool.shared", "full|on|off",
	    "each worker keeps its idle connections to itself"),
	IGNORED("tune.listener.default-shards", "by-process|by-thread|by-group",
	    "each worker has a listening socket of its own; 'shards' of a bind line changes it"),
	IGNORED("tune.listener.multi-queue", "on|fair|off",
	    "the kernel spreads connections over the workers' sockets"),
	IGNORED("tune.max-checks-per-thread", "<number>", "checks are spread over the workers"),
	IGNORED("tune.max-rules-at-once", "<number>", "rules run until one waits"),
	IGNORED("tune.notsent-lowat.client", "<size>", "the kernel's value is used"),
	IGNORED("tune.pattern.cache-size", "<number>",
	    "patterns are looked up in indexes without a cache"),
	IGNORED("tune.peers.max-updates-at-once", "<number>",
	    "peers are not supported yet, so nothing uses it"),
	IGNORED(
	    "tune.pool-low-conn", "<number>", "each worker keeps its idle connections to itself"),
	IGNORED("tune.renice.runtime", "<number>", "the priority given at start is kept"),
	IGNORED("tune.renice.startup", "<number>", "the priority given at start is kept"),
	IGNORED("tune.rcvbuf.backend", "<size>", NO_DGRAM),
	IGNORED("tune.rcvbuf.frontend", "<size>", NO_DGRAM),
	IGNORED("tune.sndbuf.backend", "<size>", NO_DGRAM),
	IGNORED("tune.sndbuf.frontend", "<size>", NO_DGRAM),
	IGNORED("tune.recv_enough", "<size>", "weir reads until a read is short"),
	IGNORED("tune.ring.queues", "<number>", "rings are not supported yet, so nothing uses it"),
	IGNORED("tune.sched.low-latency", "on|off", "events come before tasks in every turn"),
	IGNORED("tune.streams-elasticity", "<number>",
	    "each connection may have its 'tune.h2.fe.max-concurrent-streams' at any time"),
	IGNORED("tune.stick-counters", "<number>",
	    "stick tables are not supported yet, so nothing uses it"),
	IGNORED("tune.takeover-other-tg-connections", "<value>", ONE_GROUP),
	IGNORED("tune.glitches.kill.cpu-usage", "<number>",
	    "a threshold of glitches counts at any load"),
	IGNORED("tune.h1.be.glitches-threshold", "<number>", NO_H1_GLITCHES),
	IGNORED("tune.h1.fe.glitches-threshold", "<number>", NO_H1_GLITCHES),
	IGNORED("debug.counters", "on|off", "weir has no such counters"),
	IGNORED(
	    "quick-exit", "", "weir frees everything at its end, which takes no noticeable time"),
	IGNORED(
	    "warn-blocked-traffic-after", "<time>", "weir does not watch itself for stalls yet"),
	IGNORED("anonkey", "<key>", "outputs are never anonymised"),
	IGNORED("h2-workaround-bogus-websocket-clients", "",
	    "'alpn http/1.1' keeps such clients away from HTTP/2"),
	IGNORED("tune.lua.bool-sample-conversion", "normal|pre-3.1-bug", NO_LUA),
	IGNORED("tune.lua.burst-timeout", "<timeout>", NO_LUA),
	IGNORED("tune.lua.forced-yield", "<number>", NO_LUA),
	IGNORED("tune.lua.log.loggers", "on|off", NO_LUA),
	IGNORED("tune.lua.log.stderr", "on|auto|off", NO_LUA),
	IGNORED("tune.lua.maxmem", "<number>", NO_LUA),
	IGNORED("tune.lua.openlibs", "[all|none|<lib>[,<lib>...]]", NO_LUA),
	IGNORED("tune.lua.service-timeout", "<timeout>", NO_LUA),
	IGNORED("tune.lua.session-timeout", "<timeout>", NO_LUA),
	IGNORED("tune.lua.task-timeout", "<timeout>", NO_LUA),
	IGNORED("tune.quic.be.cc.cubic-min-losses", "<number>", NO_QUIC),
	IGNORED("tune.quic.be.cc.hystart", "on|off", NO_QUIC),
	IGNORED("tune.quic.be.cc.max-frame-loss", "<number>", NO_QUIC),
	IGNORED("tune.quic.be.cc.max-win-size", "<size>", NO_QUIC),
	IGNORED("tune.quic.be.cc.reorder-ratio", "<0..100, in percent>", NO_QUIC),
	IGNORED("tune.quic.be.max-idle-timeout", "<timeout>", NO_QUIC),
	IGNORED("tune.quic.be.sec.glitches-threshold", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.sec.retry-threshold", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.sock-per-conn", "default-on|force-off", NO_QUIC),
	IGNORED("tune.quic.be.stream.data-ratio", "<0..100, in percent>", NO_QUIC),
	IGNORED("tune.quic.be.stream.max-concurrent", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.stream.max-total", "<number>", NO_QUIC),
	IGNORED("tune.quic.be.stream.rxbuf", "<size>", NO_QUIC),
	IGNORED("tune.quic.be.tx.pacing", "on|off", NO_QUIC),
	IGNORED("tune.quic.be.tx.udp-gso", "on|off", NO_QUIC),
	IGNORED("tune.quic.listen", "on|off", NO_QUIC),
	IGNORED("tune.quic.mem.tx-max", "<size>", NO_QUIC),
	IGNORED("tune.quic.fe.cc.cubic-min-losses", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.cc.hystart", "on|off", NO_QUIC),
	IGNORED("tune.quic.fe.cc.max-frame-loss", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.cc.max-win-size", "<size>", NO_QUIC),
	IGNORED("tune.quic.fe.cc.reorder-ratio", "<0..100>", NO_QUIC),
	IGNORED("tune.quic.fe.max-idle-timeout", "<timeout>", NO_QUIC),
	IGNORED("tune.quic.fe.sec.glitches-threshold", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.stream.data-ratio", "<0..100>", NO_QUIC),
	IGNORED("tune.quic.fe.stream.max-concurrent", "<number>", NO_QUIC),
	IGNORED("tune.quic.fe.stream.rxbuf", "<size>", NO_QUIC),
	IGNORED("tune.quic.fe.tx.pacing", "on|off", NO_QUIC),
	IGNORED("tune.quic.fe.tx.udp-gso", "on|off", NO_QUIC),
	IGNORED("httpclient.resolvers.disabled", "on|off", NO_CLIENT),
	IGNORED("httpclient.resolvers.id", "<resolvers id>", NO_CLIENT),
	IGNORED("httpclient.resolvers.prefer", "ipv4|ipv6", NO_CLIENT),
	IGNORED("httpclient.retries", "<number>", NO_CLIENT),
	IGNORED("httpclient.ssl.ca-file", "<cafile>", NO_CLIENT),
	IGNORED("httpclient.ssl.verify", "[none|required]", NO_CLIENT),
	IGNORED("httpclient.timeout.connect", "<timeout>", NO_CLIENT),
	IGNORED("tune.h1.zero-copy-fwd-recv", "on|off", ZERO_COPY),
	IGNORED("tune.http.logurilen", "<number>", "a log line is cut as a whole, at its 'len'"),
	IGNORED(
	    "tune.http.cookielen", "<number>", "a captured cookie is cut at the 'len' of its line"),
	IGNORED("tune.maxaccept", "<number>",
	    "a listener takes one connection an event, and up to 64 while so many come"),
	IGNORED("tune.pool-high-fd-ratio", "<percent>",
	    "idle connections are bounded by 'pool-max-conn' and 'pool-purge-delay'"),
	IGNORED("tune.pool-low-fd-ratio", "<percent>",
	    "idle connections are bounded by 'pool-max-conn' and 'pool-purge-delay'"),
	IGNORED(
	    "tune.runqueue-depth", "<number>", "a worker runs all tasks that are ready in a turn"),
	{ .name = NULL },
};
