/* scrape_priv.h: what the files of scrape_config share: rows that say what a map may hold, and complaints. */
#pragma once

#include "monitor/scrape_config.h"

enum scrape_row_type {
	SCRAPE_ROW_TEXT,     /* struct str; any scalar, as it was spelled */
	SCRAPE_ROW_SECRET,   /* the same, never shown */
	SCRAPE_ROW_BOOL,     /* bool */
	SCRAPE_ROW_COUNT,    /* int64_t, not negative */
	SCRAPE_ROW_REAL,     /* double, not negative */
	SCRAPE_ROW_DURATION, /* int64_t milliseconds */
	SCRAPE_ROW_BYTES,    /* int64_t, "15MB" */
	SCRAPE_ROW_CHOICE,   /* struct str, one of `choices` */
	SCRAPE_ROW_TEXTS,    /* list of struct str */
	SCRAPE_ROW_SECRETS,  /* the same, never shown */
	SCRAPE_ROW_PAIRS,    /* map: list of struct scrape_pair */
	SCRAPE_ROW_LISTS,    /* map of lists: list of struct scrape_texts */
	SCRAPE_ROW_SECRET_LISTS, /* the same, never shown */
	SCRAPE_ROW_OBJECT,   /* pointer to a struct that begins with its place */
	SCRAPE_ROW_OBJECTS,  /* list of such structs */
	SCRAPE_ROW_NAMED,    /* map: list of structs that begin like struct scrape_named */
	SCRAPE_ROW_INSIDE,   /* a map whose rows lie in the same struct */
	SCRAPE_ROW_UNUSED,   /* known, and read by nobody here */
};

struct scrape_row {
	const char *name; /* NULL ends the rows */
	enum scrape_row_type type;
	size_t offset, size;           /* of the member; of one struct of OBJECT, OBJECTS and NAMED */
	const struct scrape_row *rows; /* of OBJECT, OBJECTS, NAMED and INSIDE */
	const char *const *choices;    /* of CHOICE, ends in NULL */
	void (*init)(void *object);    /* its defaults; NULL: all zero */
};

struct scrape_named {
	struct scrape_place place;
	struct str name; /* its key */
};

/* An interval of 0 is none: a discovery that says so is looked at as one that says nothing. */
#define SCRAPE_FILE_REFRESH_MS 300000
#define SCRAPE_HTTP_REFRESH_MS 60000
#define SCRAPE_DNS_REFRESH_MS 30000

extern const struct scrape_row scrape_config_rows[], scrape_more_rows[], scrape_group_rows[];
void scrape_config_init(void *config);

struct scrape_reading {
	struct arena *arena;
	struct troubles *troubles;
	struct scrape_config *config; /* NULL: only groups are read */
};

void scrape_trouble(struct scrape_reading *reading, uint32_t line, uint32_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Zeroed, for `count` things. NULL when the arena has no room for them: that is a complaint then, as input is hostile. */
void *scrape_room(struct scrape_reading *reading, uint32_t line, uint32_t column, size_t count, size_t size);

/* Fills `object` from a map by rows. */
void scrape_read_map(struct scrape_reading *reading, const struct doc_node *map, const struct scrape_row *rows,
		     void *object);
/* Fills the list at `list` from a list of maps. */
void scrape_read_list(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row,
		      void *list);

/* What must hold between the fields, and what global fills in. Jobs from `first` on. */
void scrape_check(struct scrape_reading *reading, size_t first);
void scrape_check_group(struct scrape_reading *reading, const struct scrape_group *group);
/* Makes the rules of what is written. */
void scrape_check_relabels(struct scrape_reading *reading, struct scrape_relabels *relabels);
