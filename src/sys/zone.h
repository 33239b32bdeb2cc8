/*
 * zone.h: the system's time zones by their IANA name, "Europe/London".
 *
 * Each is read once and kept until the process ends or the set is destroyed: a schedule may hold
 * the pointer. The system's data may be updated under a running server; zones_version tells
 * (a new set is then made, and future shifts are computed again).
 *
 * Owns: the set owns its zones. Runs on: any thread (one lock inside, held while a file is read).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/tz.h"

#define ZONES_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_NAME_BYTES_MAX 64u
#define ZONES_MAX 1024u       /* tzdata 2026f has 599 names */
#define ZONE_DEPTH_MAX 3u     /* America/Argentina/Buenos_Aires */
#define ZONES_VERSION_BYTES 32u

struct zones;

/* `directory` is copied; NULL: the system's. It is not looked at before the first question. */
struct zones *zones_create(const char *directory);
void zones_destroy(struct zones **zones);

/* ERR_INVALID: not a name of a zone ("../passwd", "right/UTC", ""). ERR_NOT_FOUND: no such zone;
 * the hint names the nearest one. ERR_UNAVAILABLE: there is no time zone data. ERR_LIMIT: the set
 * is full. The zone lives as long as the set. */
enum err zones_find(struct zones *zones, struct str name, const struct tz **ret_tz,
		    struct error *err);

/* Every name, in order of bytes, in the arena. */
enum err zones_names(struct zones *zones, struct arena *arena, struct str **ret_names,
		     size_t *ret_count, struct error *err);

/* "2026f", as the data says of itself; empty when it says nothing. */
void zones_version(struct zones *zones, char ret_version[ZONES_VERSION_BYTES]);
