/*
 * comms_report.h: people outside say that something is wrong, and are told what became of it.
 *
 *     form, API, CLI --report.received--> new --accept--> accepted   an incident is opened for it
 *                                          |---join-----> joined     it counts to an open incident
 *                                          |---duplicate> duplicate  another report says the same
 *                                          |---answer---> answered   the sender is told, nothing is open
 *                                          +---reject---> rejected   with a reason
 *        any of them, within ten seconds --undo--> new   (but accepted: people were paged)
 *
 *     address given --> confirm mail --button--> confirmed --incident resolved--> "is it fixed for you?"
 *                                                              --button--> verdict: fixed, or not
 *
 * What somebody wrote and their address are personal: they stand in the vault under the report's id and in no
 * event; erasing takes them from there. What the record keeps is that a report came, about what, how bad it
 * was said to be, and what was done.
 *
 * Runs on: decide, apply and followers on the world's thread; reading on any connection. Clock: passed in.
 */
#pragma once

#include "journal/world.h"
#include "wire/spec.h"

#define REPORT_TEXT_BYTES_MAX 4000u
#define REPORT_REASON_BYTES_MAX 2000u
#define REPORT_NEW_MAX 500u      /* that wait for triage; more are not taken, and that is told */
#define REPORT_CONFIRMS_MAX 3u   /* mails to one address that nobody has answered */
#define REPORT_SINCE_MAX (90 * TIME_DAY)
#define REPORT_UNDO_WITHIN (10 * TIME_SECOND)
#define REPORT_KEPT (180 * TIME_DAY)         /* what people wrote, then it is erased */
#define REPORT_CONFIRM_WITHIN (7 * TIME_DAY) /* or the address is erased */
#define REPORT_TOLD_MAX 5000u                /* senders of one incident */
#define REPORT_LINK_PATH "/r/"
#define REPORT_LINK_BYTES 64 /* "12-" and 128 random bits in hexadecimal, and NUL */
#define REPORT_KEEP_TIMER "report.keep"
#define REPORT_CONFIRM_TIMER "report.confirm"

extern const struct store_table *const report_tables[];

/* ---- the rule a manager sets: definition "default" of this kind ---- */

#define REPORT_RULE "ReportRule"
extern const struct spec_field report_rule_spec[];

struct report_rule {
	unsigned count; /* this many reports of one service */
	time_us within;
	bool opens;            /* opens or raises an incident; else it is only proposed */
	unsigned reopen_after; /* so many "not fixed" reopen the incident; 0: people decide */
};
enum err report_rule_get(struct store_conn *conn, struct arena *arena, struct report_rule *ret_rule,
			 struct error *err);

/* ---- commands ---- */

/* `severity` is stopped, hindered or small. ret_dropped: too many wait, so it was only counted. */
struct report_receive {
	struct str text, service, severity, email, source, page; /* service, email, page may be empty */
	time_us since;      /* TIME_NONE: not said */
	int64_t user;       /* 0: somebody outside, who may name services that customers use, or of `page` */
	int64_t not_fixed;  /* the incident that is said to be over and is not, for them; 0: none */
	uint64_t throttled; /* that came too fast since the last one; only counted */
	int64_t *ret_report;
	bool *ret_dropped;
};
decide_fn report_receive_decide;

struct report_act {
	int64_t report;
	int64_t incident, of;             /* of join; of duplicate */
	struct str reason;                /* of answer, reject and the others, where it may be empty */
	struct str title, impact, urgency; /* of accept; empty: as proposed */
	int64_t seq;                      /* of undo; 0: what was done last */
};
decide_fn report_accept_decide, report_join_decide, report_duplicate_decide, report_answer_decide,
	report_reject_decide, report_undo_decide, report_erase_decide;

/* What the sender does with the link they were sent. */
struct report_sender_act {
	int64_t report;
	enum { REPORT_CONFIRM, REPORT_FIXED, REPORT_NOT_FIXED, REPORT_FORGET } what;
};
decide_fn report_sender_decide;

/* ---- wiring ---- */

now_fn report_on_received, report_on_verdict;
timer_fn report_keep_due, report_confirm_due;
after_fn report_after_triaged, report_after_undone, report_after_resolved, report_after_reopened;
apply_fn report_apply_received, report_apply_confirmed, report_apply_triaged, report_apply_undone,
	report_apply_surged, report_apply_verdict, report_apply_erased;

/* ---- reading ---- */

struct report {
	int64_t id;
	struct str state, service, page, severity, source;
	struct str impact, urgency, priority, why; /* proposed */
	time_us since, received;                   /* since: TIME_NONE when it was not said */
	int64_t user;
	bool wants_news, confirmed;
	int64_t incident, of;
	struct str reason;
	int64_t triaged_by, triaged_seq;
	time_us triaged; /* TIME_NONE while it is new */
	struct str verdict; /* fixed, not_fixed, or empty */
	int64_t verdict_of; /* the incident it speaks of; 0: none */
	time_us verdict_at;
	struct str erased; /* all, address, or empty */
};
enum err report_get(struct store_conn *conn, int64_t id, struct arena *arena, struct report *ret_report,
		    struct error *err);

struct report_filter {
	struct str states, service; /* words with commas; empty: any */
	int64_t incident;           /* with the duplicates of its reports; 0: any */
	struct str verdict;
	int64_t before_id;
	unsigned limit;
};
typedef bool report_each_fn(void *context, const struct report *report);
enum err report_list(struct store_conn *conn, const struct report_filter *filter, struct arena *arena,
		     report_each_fn *each, void *context, struct error *err);

/* What they wrote; empty when it was erased. Never of an earlier time. */
enum err report_words(struct store_conn *conn, int64_t id, struct arena *arena, struct str *ret_text,
		      struct error *err);
/* The report of a link. ERR_NOT_FOUND also when the address was erased. */
enum err report_of_link(struct store_conn *conn, struct str token, struct arena *arena,
			int64_t *ret_report, struct error *err);

struct report_count {
	int64_t people, not_fixed, fixed;
};
enum err report_count_of(struct store_conn *conn, int64_t incident, struct report_count *ret_count,
			 struct error *err);

/* Reports of an hour that were not taken, by why. */
struct report_drop {
	time_us hour, last;
	struct str reason, service; /* full or too_fast */
	int64_t count;
};
typedef bool report_each_drop_fn(void *context, const struct report_drop *drop);
enum err report_drops(struct store_conn *conn, time_us from, struct arena *arena, report_each_drop_fn *each,
		      void *context, struct error *err);

/* Services that several people report now and that nothing was opened for. */
struct report_surge {
	struct str service;
	time_us at;
	int64_t count, incident;
};
typedef bool report_each_surge_fn(void *context, const struct report_surge *surge);
enum err report_surges(struct store_conn *conn, time_us from, struct arena *arena,
		       report_each_surge_fn *each, void *context, struct error *err);
