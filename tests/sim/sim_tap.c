/* sim_tap.c: see sim_tap.h. */
#include "sim_tap.h"

#include <assert.h>
#include <string.h>

#include "journal/world_priv.h"
#include "main/wiring.h"
#include "notify/notify.h"

#define APPLIES_MAX 256u
#define TAP_NO_CONTACT 900
#define TAP_TIMERS_MAX 16u

struct tap tap;

static struct wire_apply applies[APPLIES_MAX];
static struct wire_now nows[TAP_ROWS_MAX];
static struct wire_timer timers[TAP_TIMERS_MAX + 1];
static struct wiring tapped;

void tap_reset(void)
{
	size_t rows = tap.row_count;
	memset(&tap, 0, sizeof tap);
	tap.row_count = rows;
}

void tap_transaction(void)
{
	tap.traced_count = 0;
}

static unsigned depth_of(const void *payload)
{
	for (size_t i = tap.traced_count; i > 0; i--) {
		if (tap.traced[i - 1].payload == payload)
			return tap.traced[i - 1].depth;
	}
	return 0;
}

/* What a row has asked for stands in the decision, and is recorded as soon as the row returns. */
static void trace(size_t row, struct decision *d, const struct event *event)
{
	unsigned depth = depth_of(event->payload) + 1;
	const struct deciding *deciding = (const struct deciding *)d;
	tap.ran[row] = true;
	for (const struct emitted *e = deciding->first; e != NULL; e = e->next) {
		tap.edges[row][e->kind] = true;
		tap.depth_max = depth > tap.depth_max ? depth : tap.depth_max;
		if (tap.traced_count < TAP_TRACED_MAX)
			tap.traced[tap.traced_count++] = (struct tap_trace){ e->payload, depth };
	}
}

static enum err run_row(size_t row, struct decision *d, const struct event *event, struct error *err)
{
	const struct wire_now *real = &wiring.nows[row];
	if (tap.left_out != NULL && strcmp(tap.left_out, real->name) == 0)
		return OK;
	if (tap.armed && tap.ends_in != NULL && strcmp(tap.ends_in, real->name) == 0)
		abort();
	enum err r = real->now(d, event, err);
	if (r == OK && tap.stray != NULL && event->kind == EVENT_INCIDENT_RESOLVED)
		notify_page(d, &(struct notify_page){ .incident = event->subject, .user = 1,
						      .contact = TAP_NO_CONTACT, .channel = STR("browser"),
						      .urgency = STR("high"), .title = STR("stray"),
						      .reason = str_of(tap.stray) }, NULL);
	if (r == OK)
		trace(row, d, event);
	return r;
}

/* One function for each row, because a row has no context. */
#define ROW(n)                                                                              \
	static enum err row_##n(struct decision *d, const struct event *event, struct error *err) \
	{                                                                                       \
		return run_row(n, d, event, err);                                               \
	}
#define ROWS(F)                                                                          \
	F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)  \
	F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23) F(24) F(25) F(26) F(27) F(28) F(29)    \
	F(30) F(31) F(32) F(33) F(34) F(35) F(36) F(37) F(38) F(39) F(40) F(41) F(42) F(43)    \
	F(44) F(45) F(46)
ROWS(ROW)
#define NAME(n) row_##n,
static now_fn *const row_functions[] = { ROWS(NAME) };

static enum err note_again(struct decision *d, const struct event *event, struct error *err)
{
	(void)err;
	if (tap.endless)
		decision_emit(d, EVENT_INCIDENT_NOTED, event->subject, event->payload);
	return OK;
}

static enum err run_timer(size_t row, struct decision *d, const struct timer *timer, struct error *err)
{
	const struct wire_timer *real = &wiring.timers[row];
	if (tap.armed && tap.ends_in != NULL && strcmp(tap.ends_in, real->name) == 0)
		abort();
	return real->due(d, timer, err);
}

#define TIMER(n)                                                                                \
	static enum err timer_##n(struct decision *d, const struct timer *timer, struct error *err) \
	{                                                                                           \
		return run_timer(n, d, timer, err);                                                 \
	}
#define TIMERS(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
TIMERS(TIMER)
#define TIMER_NAME(n) timer_##n,
static timer_fn *const timer_functions[TAP_TIMERS_MAX] = { TIMERS(TIMER_NAME) };

/* ---- applies ---- */

static enum err listen(struct apply *a, const struct event *event, struct error *err)
{
	if (!tap.rebuilding)
		tap.tried_seq = event->seq;
	if (event->kind != EVENT_INCIDENT_NOTED)
		return OK;
	enum err r = OK;
	if (tap.impure && !tap.rebuilding)
		r = store_exec(a->conn, "UPDATE incident SET title = title || '!' WHERE id = ?",
			       STORE_VALUES(STORE_INT(event->subject)), err);
	if (r == OK && tap.unhistoric)
		r = store_exec(a->conn, "UPDATE incident SET service = 'nobody' WHERE id = ?",
			       STORE_VALUES(STORE_INT(event->subject)), err);
	return r;
}

const struct wiring *tap_wiring(void)
{
	size_t count = 0;
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		applies[count++] = (struct wire_apply){ (enum event_kind)kind, listen };
	for (const struct wire_apply *row = wiring.applies; row->apply != NULL; row++) {
		assert(count + 1 < APPLIES_MAX);
		applies[count++] = *row;
	}
	applies[count] = (struct wire_apply){ 0 };
	for (count = 0; wiring.nows[count].now != NULL; count++) {
		assert(count + 2 < sizeof row_functions / sizeof row_functions[0]);
		nows[count] = wiring.nows[count];
		nows[count].now = row_functions[count];
	}
	tap.row_count = count;
	nows[count++] = (struct wire_now){ EVENT_INCIDENT_NOTED, "note_again", note_again };
	nows[count] = (struct wire_now){ 0 };
	for (count = 0; wiring.timers[count].due != NULL; count++) {
		assert(count < TAP_TIMERS_MAX);
		timers[count] = (struct wire_timer){ wiring.timers[count].name, timer_functions[count] };
	}
	tapped = wiring;
	tapped.applies = applies;
	tapped.nows = nows;
	tapped.timers = timers;
	return &tapped;
}

/* ---- the graph ---- */

/* Rows that follow from this kind; 0 also when it comes back to where it was: then *ret_cycle. */
static unsigned longest_from(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], enum event_kind kind,
			     bool *on_path, enum event_kind *ret_cycle, bool *ret_is_cycle)
{
	unsigned longest = 0;
	if (on_path[kind]) {
		*ret_cycle = kind;
		*ret_is_cycle = true;
		return 0;
	}
	on_path[kind] = true;
	for (size_t row = 0; wiring.nows[row].now != NULL && !*ret_is_cycle; row++) {
		if (wiring.nows[row].kind != kind)
			continue;
		unsigned here = 1;
		for (int next = 0; next < EVENT_KIND_COUNT && !*ret_is_cycle; next++) {
			if (!edges[row][next])
				continue;
			unsigned below = 1 + longest_from(edges, (enum event_kind)next, on_path,
							  ret_cycle, ret_is_cycle);
			here = below > here ? below : here;
		}
		longest = here > longest ? here : longest;
	}
	on_path[kind] = false;
	return longest;
}

unsigned tap_longest(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], enum event_kind *ret_kind)
{
	unsigned longest = 0;
	bool is_cycle = false;
	for (int kind = 0; kind < EVENT_KIND_COUNT && !is_cycle; kind++) {
		bool on_path[EVENT_KIND_COUNT] = { false };
		unsigned here = longest_from(edges, (enum event_kind)kind, on_path, ret_kind, &is_cycle);
		longest = here > longest ? here : longest;
	}
	return is_cycle ? 0 : longest;
}

static void print_row(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], size_t row, struct buf *out)
{
	bool any = false;
	buf_printf(out, "| %s | `%s` | ", event_kinds[wiring.nows[row].kind].name,
		   wiring.nows[row].name);
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		if (!edges[row][kind])
			continue;
		buf_printf(out, "%s%s", any ? ", " : "", event_kinds[kind].name);
		any = true;
	}
	buf_adds(out, any ? " |\n" : "nothing |\n");
}

void tap_print(const bool edges[TAP_ROWS_MAX][EVENT_KIND_COUNT], struct buf *out)
{
	enum event_kind kind;
	buf_adds(out, "# Wiring: what sets off what, in one transaction\n\n"
		      "A NOW row runs in the same transaction as the event that set it off: it is the path "
		      "from a signal\nto a page, and nothing else. The rows stand in `src/main/wiring.c`; "
		      "what each of them gives was\nrecorded by the simulator over its runs, and a test "
		      "fails when this page says something else. To write\nit anew: "
		      "`cd build-dev && MAINSTAY_WRITE=1 tests/sim/test_sim`.\n\n"
		      "| event | row | gives |\n|---|---|---|\n");
	for (size_t row = 0; wiring.nows[row].now != NULL; row++)
		print_row(edges, row, out);
	buf_printf(out, "\nNo chain leads back to its start; the longest has %u rows, and more than %u "
			"end the process.\n",
		   tap_longest(edges, &kind), WIRE_DEPTH_MAX);
}
