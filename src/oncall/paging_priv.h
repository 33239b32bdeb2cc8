/* paging_priv.h: what the files of this room share. SQL stands in paging_store.c alone. */
#pragma once

#include "notify/notify.h"
#include "oncall/paging.h"

/* What an escalation needs to know of its incident: taken from the incident's own events. */
struct paging_case {
	int64_t incident;
	struct str policy, team, title, priority, service, visibility;
	time_us opened;
	struct escalation_state state;
};

enum err case_get(struct store_conn *conn, int64_t incident, struct arena *arena, bool *ret_found,
		  struct paging_case *ret_case, struct error *err);
/* The same, of a case of which no more is asked than who may know of it. */
enum err case_visibility(struct store_conn *conn, int64_t incident, struct arena *arena, bool *ret_found,
			 struct str *ret_visibility, struct error *err);
enum err case_as_of(struct store_conn *conn, int64_t incident, int64_t seq, struct arena *arena,
		    bool *ret_found, struct paging_case *ret_case, struct error *err);

/* ---- incidents that are closed to some (paging_closed.c) ---- */

bool paging_is_closed(struct str visibility);
/* The policy of one: whom it concerns first; who stands outside only when nobody else is there. */
void closed_policy(struct escalation_policy *policy, bool built_in, const struct paging_case *c);
/* Those whom it concerns by its team: members, or for a private one the team's managers. */
enum err closed_concerned(struct store_conn *conn, struct arena *arena, const struct paging_case *c,
			  int64_t *ret_users, size_t max, size_t *ret_count, struct error *err);
enum err paging_apply_named(struct apply *a, const struct event *moved, struct error *err);
enum err participant_put(struct store_conn *conn, int64_t incident, int64_t user, int64_t seq,
			 struct error *err);

struct str state_print(const struct escalation_state *state, struct arena *arena);
enum err state_parse(struct str json, struct arena *arena, struct escalation_state *ret_state,
		     struct error *err);

enum err contact_get(struct store_conn *conn, int64_t id, struct arena *arena,
		     struct paging_contact *ret_contact, struct error *err);
enum err contact_secret(struct store_conn *conn, int64_t id, struct arena *arena,
			struct str *ret_secret, struct error *err);
enum err contact_count(struct store_conn *conn, int64_t user, int64_t *ret_count, struct error *err);
enum err contact_last_position(struct store_conn *conn, int64_t user, int64_t *ret_last,
			       struct error *err);
enum err override_get(struct store_conn *conn, int64_t id, struct arena *arena,
		      struct paging_override *ret_override, struct error *err);

/* Work rows. */
struct link_row {
	unsigned char hash[32];
	int64_t incident, user;
};
enum err link_put(struct store_conn *conn, const void *link_row, struct error *err);
struct secret_row {
	int64_t contact;
	struct str secret; /* empty: forget it */
};
enum err secret_put(struct store_conn *conn, const void *secret_row, struct error *err);
void link_hash(struct str token, unsigned char ret_hash[32]);

/* ---- pages (paging_page.c) ---- */

struct paging_message {
	const struct paging_case *incident;
	int64_t user;
	enum escalation_reason why;
	unsigned round, step;
	bool high;
	bool outside; /* they may not know what it is about */
};
/* Writes a page for every contact of the person that is meant for this urgency. */
enum err page_person(struct decision *d, const struct paging_message *message, struct error *err);
/* Tells everybody who was paged that it is over. */
enum err page_resolved(struct decision *d, const struct paging_case *incident, const char *how,
		       struct error *err);
/* A page of an incident that is over has arrived: whoever reads it is told, unless they were. */
enum err page_arrived(struct decision *d, int64_t page, const struct paging_case *incident,
		      struct error *err);
