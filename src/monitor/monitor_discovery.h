/*
 * monitor_discovery.h: what listens on this machine, what it probably is, and how to watch it.
 *
 * First start asks nothing and offers everything, so this must be right more often than a person in a
 * hurry, and must do no harm: reading is from /proc only; a program that is known not to speak HTTP
 * is never spoken to; others get one HEAD request, and one TLS greeting if that was not understood.
 *
 * Three steps: discovery_scan (blocking, any thread, reads /proc), discovery_probe (on a loop, asks),
 * discovery_suggest (pure, writes what to watch).
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wire/address.h"
#include "wire/json_writer.h"

struct probe_tools;

#define DISCOVERY_MAX 256            /* listeners; more are left out and `cut` says so */
#define DISCOVERY_PIDS_MAX 65536
#define DISCOVERY_FDS_MAX 65536      /* looked at per process */
#define DISCOVERY_PROBE_TIMEOUT (1500 * TIME_MS)
#define DISCOVERY_PROBES_AT_ONCE 16

enum discovery_protocol { DISCOVERY_TCP, DISCOVERY_HTTP, DISCOVERY_HTTPS, DISCOVERY_TLS };

struct known_program;

struct discovered {
	struct address address; /* as it listens; 0.0.0.0 and :: mean every address */
	uint16_t port;
	uint64_t inode;
	int pid;                /* 0: not ours to see */
	char process[32];       /* as the kernel names it */
	char command[256];      /* with secrets masked */
	const struct known_program *known; /* NULL: never heard of */
	enum discovery_protocol protocol;  /* after discovery_probe; before, a guess */
	int status;                        /* of HEAD /; 0: none */
};

struct discovery {
	struct discovered items[DISCOVERY_MAX];
	unsigned count;
	bool cut;
};

/* `proc` is "/proc". Sorted by port; the same port on IPv4 and IPv6 of one process is one item. What
 * belongs to other users has no process name: that is no error. ERR_IO when there is no /proc. */
enum err discovery_scan(const char *proc, struct discovery *ret_discovery, struct error *err);

/* Asks each item what it speaks. The callback is called once, later, with the same `discovery`, which
 * must stay until then; tools too. */
typedef void discovery_fn(void *context, struct discovery *discovery);
void discovery_probe(const struct probe_tools *tools, struct discovery *discovery, discovery_fn *fn,
                     void *context);

/* One item as the API gives it: {process, pid, command, address, port, protocol, guess,
 * suggested:{service, checks:[{name, spec}]}}; `watched` is the caller's to add, so the map is open. */
void discovery_write_open(const struct discovered *item, struct json_writer *json);

const char *discovery_guess(const struct discovered *item);         /* "nginx", "PostgreSQL", "" */
const char *discovery_protocol_name(enum discovery_protocol protocol); /* "http", "tls", "tcp" */

/* The service name suggested: a valid name, "nginx", "postgresql", "port-8123". */
#define DISCOVERY_NAME_BYTES 64
void discovery_service(const struct discovered *item, char ret_name[DISCOVERY_NAME_BYTES]);

/* Pure parts, for tests and fuzzing. */

/* One line of /proc/net/tcp or tcp6. False for what does not listen or is not understood. */
bool discovery_parse_line(struct str line, bool v6, struct discovered *ret_item);

/* Arguments as /proc gives them (NUL between), joined by blanks, what looks secret as "***". */
void discovery_mask(struct str arguments, char *ret_text, size_t size);

const struct known_program *discovery_known(const char *process);
