/*
 * doctor_priv.h: what the looks of doctor*.c share. A look reads one thing and says what it found; it
 * changes nothing, and asks nobody who is not named by the set-up.
 */
#pragma once

#include "base/arena.h"
#include "base/time.h"
#include "main/settings.h"
#include "store/store.h"

enum doctor_level { DOCTOR_OK, DOCTOR_DOUBT, DOCTOR_WRONG, DOCTOR_LEVELS };

#define DOCTOR_FINDINGS_MAX 500u

struct doctor_finding {
	enum doctor_level level;
	struct str what, found, advice; /* advice: empty when all is well */
};

struct doctor {
	const struct settings *settings;
	struct arena *arena;
	struct store_conn *conn; /* reads; NULL for the looks of the machine and of the folder */
	time_us now;
	bool serving; /* a server works in the folder */
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t count;
	unsigned levels[DOCTOR_LEVELS];
};

typedef void doctor_look(struct doctor *d);

void doctor_good(struct doctor *d, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* `advice` says what to do; it must live as long as the arena. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *what, const char *advice, const char *format,
		...) __attribute__((format(printf, 5, 6)));

/* doctor_machine.c */
doctor_look doctor_clock, doctor_zones, doctor_authorities, doctor_limits, doctor_kernel;
/* doctor_folder.c */
doctor_look doctor_disk, doctor_metrics, doctor_speed, doctor_permissions, doctor_key;
/* doctor_hand.c */
doctor_look doctor_commands;
/* doctor_reach.c */
doctor_look doctor_public_url, doctor_certificate, doctor_relay;
/* doctor_kept.c */
doctor_look doctor_database, doctor_store, doctor_journal, doctor_jumps, doctor_backup;
/* doctor_people.c */
doctor_look doctor_on_call, doctor_people;
