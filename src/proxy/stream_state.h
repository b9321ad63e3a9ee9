/* SPDX-License-Identifier: MIT */
/* The states of a stream, what its steps answer, and its flags. Shared by the stream_*.c files only. */
#ifndef WEIR_SRC_PROXY_STREAM_STATE_H
#define WEIR_SRC_PROXY_STREAM_STATE_H

enum step {
	STEP_AGAIN, /* the state changed: run its step now */
	STEP_WAIT,  /* for an event, a timer, a grant */
	STEP_DONE,  /* the stream is over: log, count, free */
};

enum stream_state {
	ST_REQ_HEAD,	/* waiting for the request head */
	ST_FE_CONTENT,	/* tcp-request content of the frontend */
	ST_FE_RULES,	/* http-request of the frontend */
	ST_ROUTE,	/* which backend */
	ST_BE_CONTENT,	/* tcp-request content of the backend */
	ST_BE_RULES,	/* http-request of the backend */
	ST_REQ_BODY,	/* wait for (a part of) the body */
	ST_TARPIT,	/* hold the client, then refuse */
	ST_ASSIGN,	/* which server */
	ST_QUEUE,	/* wait for a slot */
	ST_PAUSE,	/* before trying the same server again */
	ST_AWAIT,	/* another stream opens a connection that can be shared */
	ST_CONNECT,	/* get a connection to it */
	ST_CONNECTING,	/* wait until it is established */
	ST_RES_HEAD,	/* request on its way, waiting for the response head */
	ST_RES_CONTENT, /* tcp-response content, HTTP mode */
	ST_RES_RULES,	/* http-response, http-after-response */
	ST_FORWARD,	/* both directions until both messages have ended */
	ST_TUNNEL,	/* raw bytes both ways */
	ST_REPLY,	/* an answer of our own is being sent */
	ST_DONE,
	ST_N,
};

#define SF_SLOT		  0x0001u /* holds a slot of srv */
#define SF_COUNTED_FE	  0x0002u
#define SF_COUNTED_BE	  0x0004u /* counted in be's served and gauges */
#define SF_REDISPATCHED	  0x0008u
#define SF_REQ_SENT	  0x0010u /* the request head was handed to the server */
#define SF_REPLIED	  0x0020u /* a response head was given to the client */
#define SF_TIMEOUT	  0x0040u /* the timer fired: the step decides what that means */
#define SF_FORCE_PERSIST  0x0080u
#define SF_IGNORE_PERSIST 0x0100u
#define SF_BY_COOKIE	  0x0200u /* the server was chosen by persistence */
#define SF_FINAL_HEAD	  0x0400u /* a final response head has come */
#define SF_CLOSE_CLIENT	  0x0800u
#define SF_CLOSE_SERVER	  0x1000u
#define SF_LOGGED	  0x2000u
#define SF_REUSED	  0x4000u /* the server connection had served before */
#define SF_RUNNING	  0x8000u
#define SF_KILLED	  0x10000u /* ended by the admin or by a server going down */
#define SF_UP_SHUT	  0x20000u /* FIN passed on to the server */
#define SF_DOWN_SHUT	  0x40000u
#define SF_CONTINUED	  0x80000u /* we have sent 100-continue ourselves */
#define SF_ASSIGNED	  0x100000u
#define SF_TUNNELLED	  0x200000u
#define SF_NOLOG	  0x400000u
#define SF_MONITOR	  0x800000u
#define SF_VERBATIM	  0x1000000u /* the reply goes out as it was written */
#define SF_SWITCHED	  0x2000000u /* from TCP to HTTP: the frontend's rules have run */
#define SF_RES_INSPECT	  0x4000000u /* TCP: the response is still being looked at */
#define SF_NO_L7_RETRY	  0x8000000u
#define SF_BC_MARK	  0x10000000u /* bc_mark is set */
#define SF_PROFILED	  0x20000000u /* profiling.tasks */

#endif
