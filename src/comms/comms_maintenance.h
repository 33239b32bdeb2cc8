/*
 * comms_maintenance.h: planned work, announced before and muted while it runs.
 *
 *                put                   its time has come            a person
 *     (none) -------------> scheduled -------------------> in_progress ------> verifying
 *                            | ^  put        a person          |                  |
 *                            | +--+                            | its end, or a person
 *                 cancel     v                                 v                  v
 *                         cancelled <--------- cancel ---- completed <------------+
 *
 *   from -> to                                 [function]
 *   none, scheduled -> scheduled               [comms_maintenance_put_decide]
 *   in_progress, verifying -> the same         [comms_maintenance_put_decide]   a later end, other words
 *   scheduled -> in_progress                   [comms_maintenance_due, comms_maintenance_move_decide]
 *   in_progress -> verifying                   [comms_maintenance_move_decide]
 *   in_progress, verifying -> completed        [comms_maintenance_due, comms_maintenance_move_decide]
 *   scheduled, in_progress, verifying -> cancelled   [comms_maintenance_move_decide]
 *
 * While it runs, pages about its services are muted by mutes of alert, which end with it; so uptime leaves
 * the time out, as it does with any mute. Times are hours of the wall.
 *
 * Runs on: decide and apply on the world's thread. Clock: passed in.
 */
#pragma once

#include "comms/comms.h"

#define COMMS_MAINTENANCE_LEAST (15 * TIME_MINUTE) /* as a mute */
#define COMMS_MAINTENANCE_MOST (7 * TIME_DAY)
#define COMMS_MAINTENANCE_NOTICE TIME_HOUR
#define COMMS_SERVICES_MAX 50u
#define COMMS_NOTICES_MOST 400u /* of one work that people cause; COMMS_UPDATES_MAX with those that time does */

extern const struct store_table *const comms_maintenance_tables[];
extern const char *const comms_maintenance_states[]; /* scheduled, in_progress, verifying, completed, cancelled */

struct comms_maintenance {
	int64_t id;
	struct str title, text, state;
	struct str services; /* JSON: ["name"] */
	struct str mutes;    /* JSON: [id]; while it runs */
	time_us from, until;
	bool mute, is_public;
	time_us created, changed;
	int64_t created_by;
	time_us started, ended, reminded; /* TIME_NONE: not */
};

struct comms_note {
	time_us at;
	struct str state; /* of the maintenance after it */
	struct str text;
	int64_t by;
	int64_t seq;
};

struct comms_maintenance_put {
	int64_t maintenance; /* 0: a new one */
	struct str title, text, services;
	time_us from, until;
	bool mute, is_public;
	int64_t *ret_maintenance;
};
struct comms_maintenance_move {
	int64_t maintenance;
	struct str to, text;
};
struct comms_maintenance_note {
	int64_t maintenance;
	struct str text;
};
decide_fn comms_maintenance_put_decide, comms_maintenance_move_decide, comms_maintenance_note_decide;

#define COMMS_MAINTENANCE_TIMER "maintenance.move"
#define COMMS_NOTICE_TIMER "maintenance.notice"
timer_fn comms_maintenance_due, comms_notice_due;

apply_fn comms_apply_maintenance_put, comms_apply_maintenance_moved, comms_apply_maintenance_noted,
	comms_apply_maintenance_reminded;

enum err comms_maintenance_get(struct store_conn *conn, int64_t id, struct arena *arena,
			       struct comms_maintenance *ret_maintenance, struct error *err);
struct comms_maintenance_filter {
	struct str states; /* words with commas; empty: any */
	time_us ends_after; /* TIME_NONE: any */
	int64_t before_id;
	unsigned limit;
};
typedef bool comms_each_maintenance_fn(void *context, const struct comms_maintenance *maintenance);
/* Newest first. */
enum err comms_maintenance_list(struct store_conn *conn, const struct comms_maintenance_filter *filter,
				struct arena *arena, comms_each_maintenance_fn *each, void *context, struct error *err);
typedef bool comms_each_note_fn(void *context, const struct comms_note *note);
/* Newest first. */
enum err comms_maintenance_notes(struct store_conn *conn, int64_t maintenance, struct arena *arena,
				 comms_each_note_fn *each, void *context, struct error *err);

/* The names in the arena; more than `most` is ERR_INVALID. Planned work has at most COMMS_SERVICES_MAX. */
enum err comms_services(struct str json, struct arena *arena, size_t most, struct str **ret_names, size_t *ret_count,
			struct error *err);

/* ---- how a service is shown, by hand and for a time ---- */

#define COMMS_OVERRIDE_LEAST TIME_MINUTE
#define COMMS_OVERRIDE_MOST (7 * TIME_DAY)

struct comms_override {
	int64_t id;
	struct str service, status, reason;
	int64_t by;
	time_us started, until, ended; /* ended TIME_NONE: it holds */
};
struct comms_override_put {
	struct str service, status, reason;
	time_us duration;
	int64_t *ret_override;
};
decide_fn comms_override_decide;
decide_fn comms_release_decide; /* int64_t */
#define COMMS_RELEASE_TIMER "component.release"
timer_fn comms_release_due;
apply_fn comms_apply_overridden, comms_apply_released;

typedef bool comms_each_override_fn(void *context, const struct comms_override *override);
/* Those that hold, the newest first. */
enum err comms_overrides(struct store_conn *conn, struct arena *arena, comms_each_override_fn *each, void *context,
			 struct error *err);
