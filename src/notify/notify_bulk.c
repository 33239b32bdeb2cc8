/* notify_bulk.c: what the end of a try means for a row of the slow lane. See notify_bulk.h. */
#include "notify/notify_bulk.h"

#include "notify/notify_bulk_priv.h"

enum err notify_bulk_end_decide(struct decision *d, const void *args, struct error *err)
{
	const struct notify_bulk_end *end = args;
	struct bulk_end *row = arena_new(d->arena, struct bulk_end);
	struct notify_bulk bulk;
	bool found;
	enum err r = bulk_get(d->conn, end->purpose, end->seq, end->party, d->arena, &found, &bulk, err);
	if (r != OK || !found) /* dropped while it was on its way */
		return r;
	bool again = str_is(end->state, "retry") && bulk.attempts + 1 < BULK_ATTEMPTS_MAX;
	*row = (struct bulk_end){
		.purpose = bulk.purpose, .seq = end->seq, .party = end->party, .again = again,
		.sent = str_is(end->state, "sent"), .due = end->retry_at,
	};
	decision_work(d, bulk_end_put, row);
	if (!end->refused || again)
		return OK;
	struct event_mail_refused refused = { .purpose = bulk.purpose, .party = end->party, .detail = end->detail };
	decision_emit(d, EVENT_MAIL_REFUSED, end->party, &refused);
	return OK;
}
