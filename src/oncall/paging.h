/*
 * paging.h: from an incident to the people who can help: the on-call room as other rooms see it.
 *
 * Schedules and escalation policies are definitions; overrides and contacts are events; the machine
 * of escalation.h decides who is next; notify.h carries the pages. This header is what the wiring,
 * the API and the tests use.
 *
 * Decide and apply run on the world's thread; reading on any connection. Clock: passed in.
 */
#pragma once

#include "guard/guard.h"
#include "journal/world.h"
#include "oncall/escalation.h"
#include "oncall/oncall.h"
#include "sys/zone.h"
#include "wire/spec.h"

#define PAGING_SCHEDULE "Schedule"
#define PAGING_POLICY "EscalationPolicy"
#define PAGING_TIMER "escalation.due"
#define PAGING_LINK_PATH "/l/"
#define PAGING_LINK_BYTES 33 /* 128 random bits in hexadecimal, and NUL */

extern const struct spec_field paging_schedule_spec[], paging_policy_spec[];
void paging_schedule_rule(const struct doc_node *spec, struct spec_errors *errors);
void paging_policy_rule(const struct doc_node *spec, struct spec_errors *errors);

extern const struct store_table *const paging_tables[];

/* What the room keeps for a world, under the name "oncall". */
struct paging_room {
	struct zones *zones;
	const char *public_url; /* "https://mainstay.example.com", without a slash at the end */
};

/* ---- NOW rows and the timer ---- */

now_fn paging_on_opened, paging_on_acknowledged, paging_on_resolved, paging_on_reopened,
	paging_on_priority_set, paging_on_undone, paging_on_requested, paging_on_user_created,
	paging_on_tested, paging_on_attempted;
timer_fn paging_due;

/* ---- applies ---- */

apply_fn paging_apply_moved, paging_apply_opened, paging_apply_acknowledged, paging_apply_retitled, paging_apply_priority_set,
	paging_apply_contact_put, paging_apply_contact_removed, paging_apply_override_put,
	paging_apply_override_cancelled;

/* ---- commands ---- */

/* Next step now: args int64_t incident. */
decide_fn paging_escalate_decide;

struct paging_contact {
	int64_t id, user;
	struct str channel, label, address, urgency; /* urgency: high, low or all */
	struct str secret;   /* in the vault; empty when there is none */
	time_us delay;       /* after the page was written */
	int position;        /* from 1 */
};
struct paging_contact_put {
	struct paging_contact contact; /* id 0: a new one */
	bool keep_secret;              /* of a change: the stored secret stays */
	int64_t *ret_contact;
};
decide_fn paging_contact_put_decide;
struct paging_contact_ref {
	int64_t contact;
};
decide_fn paging_contact_remove_decide;
decide_fn paging_test_page_decide; /* struct paging_contact_ref */

struct paging_override {
	int64_t id;
	struct str schedule, reason;
	int64_t user, replaces, by;
	time_us from, until;
	time_us created;
	bool cancelled;
};
struct paging_override_put {
	struct paging_override override;
	int64_t *ret_override;
};
decide_fn paging_override_put_decide;
decide_fn paging_override_cancel_decide; /* int64_t */

/* Tells one person something about an incident, without waking them: at low urgency, by the contacts that
 * are meant for it. Nothing when the account is gone. For the rules of rooms above. */
struct paging_note {
	int64_t incident, user;
	struct str title, body, reason;
	struct str path; /* of the page to open: "/reviews/12"; empty: the incident's */
};
enum err paging_tell(struct decision *d, const struct paging_note *note, struct error *err);

/* ---- reading ---- */

/* The schedule as it is defined, with its overrides, in the arena. ERR_NOT_FOUND. */
enum err paging_schedule(struct store_conn *conn, struct zones *zones, struct str name,
			 struct arena *arena, struct schedule **ret_schedule, struct error *err);

/* The policy of that name, or the built-in one when nobody defined it. */
enum err paging_policy(struct store_conn *conn, struct str name, struct arena *arena,
		       struct escalation_policy *ret_policy, bool *ret_built_in, struct error *err);

/*
 * Who takes part in an incident that is closed to others: who declared it, who took it, and who was
 * paged because a policy, a schedule or its team names them. Who was woken only because nobody else
 * was there stands outside: they are told that something waits, and take part once they take it.
 */
enum err paging_takes_part(struct store_conn *conn, int64_t incident, int64_t user, bool *ret_takes_part,
			   struct error *err);
enum err paging_participants(struct store_conn *conn, int64_t incident, int64_t *ret_users, size_t max,
			     size_t *ret_count, struct error *err);
/* guard's predicate for a list of incidents: the columns `id`, `visibility` and `team`. */
void paging_visible(const struct principal *principal, struct guard_sql *ret_sql);
/* May this person know what the incident is about? Today, with their role, teams and part in it. */
enum err paging_sees(struct store_conn *conn, struct arena *arena, int64_t incident, int64_t user,
		     bool *ret_sees, struct error *err);
/* Of an event escalation.moved: who takes part from now on because something names them. Returns how many
 * were written. Who may know of it anyway, as member of its team, is not among them: leaving closes. */
size_t paging_named(const struct event_escalation_moved *moved, struct arena *arena, int64_t *ret_users,
		    size_t max);
/* What somebody outside is told instead of a title and a body. */
#define PAGING_CLOSED_TITLE "Something closed to you waits for somebody"
#define PAGING_CLOSED_BODY                                                                        \
	"Nobody whom it concerns has answered. Open the link to take it: then you may read it.\n"

struct paging_escalation {
	int64_t incident;
	struct str policy, text;
	struct escalation_state state;
	time_us due; /* by the wall; TIME_NONE: nothing comes */
};
/* ret_found false: the incident never had one. */
enum err paging_escalation_get(struct store_conn *conn, int64_t incident, struct arena *arena,
			       bool *ret_found, struct paging_escalation *ret_escalation,
			       struct error *err);

typedef bool paging_each_contact_fn(void *context, const struct paging_contact *contact);
/* Everybody's, with their secrets: for the sender's memory, never for an answer. */
enum err paging_contacts_with_secrets(struct store_conn *conn, struct arena *arena,
				      paging_each_contact_fn *each, void *context,
				      struct error *err);
/* In order of position; user 0: everybody's. Secrets are not read. */
enum err paging_contacts(struct store_conn *conn, int64_t user, struct arena *arena,
			 paging_each_contact_fn *each, void *context, struct error *err);

typedef bool paging_each_override_fn(void *context, const struct paging_override *override);
/* Not cancelled, ending after `ends_after`, in order of their beginning. */
enum err paging_overrides(struct store_conn *conn, struct str schedule, time_us ends_after,
			  struct arena *arena, paging_each_override_fn *each, void *context,
			  struct error *err);

/* Whom a pressed link belongs to. ERR_NOT_FOUND: nobody's. */
enum err paging_link(struct store_conn *conn, struct str token, int64_t *ret_incident,
		     int64_t *ret_user, struct error *err);
