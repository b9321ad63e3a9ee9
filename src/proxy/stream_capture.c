/* SPDX-License-Identifier: MIT */
/*
 * Keeps what broke the protocol for "show errors". Client's worker; the bytes are still in the receive buffer,
 * as the parser left them: names it had read already are in lower case.
 */
#include "stream.h"

WEIR_COLD void stream_capture_error(struct stream *s, bool response)
{
	const struct mux1 *m = response ? &s->sc->m : &s->cli->m;
	const struct endpoint *ep = &m->ep;
	if (!(ep->flags & EP_IN_BAD) || !m->rx.mem)
		return;
	struct error_event ev = {
		.px = response ? s->be : s->fe,
		.other = response ? s->fe : s->be,
		.server = s->srv,
		.src = s->cx.src,
		.bytes = mux1_bytes(m),
		.at = ep->bad_at,
		.room = m->rx.size - m->rx.end,
		.reason = h1_error_text((enum h1_error)ep->bad_error),
		.wall_us = s->worker->clock.wall_us,
		.response = response,
	};
	error_capture(&proxy_local(s->worker)->process->errors, &ev);
}
