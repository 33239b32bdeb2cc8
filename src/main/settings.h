/*
 * settings.h: what the program is told when it starts: rows, and the values in force.
 *
 * A setting comes from the command line, else from the environment (MAINSTAY_DATA for `data`), else from
 * the file of --config ("data = DIR", a line a setting, # for comments), else it is the default. Parsing checks everything before anything starts. To add one: a row in
 * settings.c, a field here, nothing else; help and GET /settings come from the rows.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define SETTINGS_FILE_BYTES_MAX 16384u

struct settings {
	const char *config;     /* file of settings; NULL: none */
	const char *data;       /* folder of everything that is kept */
	const char *store;      /* postgres:// URL; NULL: SQLite in the folder */
	const char *listen;     /* "127.0.0.1:8484" */
	const char *status_listen; /* where status pages are served too; NULL: only at `listen` */
	const char *node_url;   /* how other servers reach this one; NULL: as it listens */
	const char *public_url; /* how people reach it; NULL: as it listens */
	const char *tls_cert, *tls_key;
	const char *ca_file;    /* authorities that servers asked by this one are held against; NULL: the system's */
	const char *commands;   /* folder of the commands that pages may run; NULL: none */
	const char *plugins;    /* folders of the plugins that checks may run, ':' between them; NULL: none */
	const char *last_resort; /* the command that runs when nothing can be stored; NULL: none */
	const char *trusted_proxy; /* addresses and ranges with commas; NULL: nobody is believed */
	const char *admin;      /* e-mail address of the first person */
	const char *name;       /* of this installation */
	const char *log_level;
	const char *metrics_keep, *metrics_sync, *metrics_late, *metrics_memory, *metrics_series; /* serve_metrics.h */
	const char *query_timeout, *query_samples;
	const char *scrape_config; /* a prometheus.yml; NULL: nothing is scraped */
	bool insecure_http;     /* plain HTTP off loopback, knowingly */
	bool supervised;        /* a supervisor starts it again when it ends; internal */
	bool patient;           /* this verb works through everything; not a row */
	bool crashed;           /* the server before this one died by its own doing; not a row */
	char file[SETTINGS_FILE_BYTES_MAX]; /* what the file said; values of it point in here */
};

/* argv after the verb. ERR_INVALID names the argument and says what it may be. */
enum err settings_parse(int argc, char **argv, struct settings *ret_settings, struct error *err);

/* Plain HTTP that strangers could listen to is refused unless it is said that a proxy in front
 * speaks TLS, or that it is known. */
enum err settings_check(const struct settings *settings, struct error *err);

/* The name people know this machine by: the host of public_url; false: it is not known by a name. */
bool settings_host(const struct settings *settings, char *out, size_t size);

/* An address without the password in it, for people and logs. */
void settings_shown(const char *address, char *out, size_t size);

void settings_help(struct buf *out);              /* for --help */
void settings_man(struct buf *out);               /* for the manual page, man(7) */
/* For GET /settings: a list of {name, value, source, about}. */
enum err settings_json(void *settings, struct buf *out, struct error *err);
