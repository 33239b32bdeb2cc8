/*
 * scrape_ask.h: one HTTP request as a prometheus.yml says how to ask: sign-in, fields, certificates, formats.
 *
 * A client is one identity: certificates and authorities are read when it is made, what signs in is read from its file at
 * each request. A certificate that stands in the config itself goes to the library by a file in memory, never on a disk.
 * With oauth2 a call waits for the client's token within its own time.
 *
 * Fields of http_headers are sent beside our own, and like what signs in never to another origin that a redirect names.
 *
 * Runs on: the loop's thread. Owns: config and folder are borrowed and must outlive the client.
 */
#pragma once

#include "monitor/scrape_config.h"
#include "wire/http_client.h"

#define SCRAPE_BODY_BYTES_MAX HTTP_BODY_MAX_BYTES /* of an answer, unfolded, when the job sets no limit */
#define SCRAPE_ACCEPT_BYTES 512u

struct scrape_ask_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	const char *ca_file;     /* NULL: the system's authorities */
	const char *config_path; /* paths of the config are relative to its folder */
	const char *(*environment)(const char *name); /* for proxy_from_environment; NULL: nothing is set */
};

struct scrape_call;
struct scrape_client;

enum err scrape_client_create(const struct scrape_ask_tools *tools, const struct scrape_http *http,
			      struct scrape_client **ret_client, struct error *err);
void scrape_client_destroy(struct scrape_client **client); /* open requests end without a word; accepts NULL */

struct scrape_ask {
	const char *url, *accept;
	const char *time_field; /* "X-Prometheus-Scrape-Timeout-Seconds", and how long that is; NULL: none */
	int64_t time_field_ms, timeout_ms, body_bytes_max;
	bool unfold;
	struct str form;     /* posted, when it is not empty; never with oauth2 */
	const char *sign_in; /* what Authorization says; NULL: as the config says */
};
/* The callback comes once for each started call, never inside this, and not at all after scrape_call_cancel. */
enum err scrape_client_ask(struct scrape_client *client, const struct scrape_ask *ask, http_fn *fn, void *context,
			   struct scrape_call **ret_call, struct error *err);
void scrape_call_cancel(struct scrape_call **call); /* accepts NULL */

/* What a job takes, as Prometheus says it in Accept. */
void scrape_accept(const struct scrape_job *job, char ret_text[SCRAPE_ACCEPT_BYTES]);
/* How an answer is to be read. ERR_UNSUPPORTED: nobody knows. */
enum err scrape_format(const struct scrape_job *job, struct str content_type, enum exposition_format *ret_format,
		       struct error *err);
