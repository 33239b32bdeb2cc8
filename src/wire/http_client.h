/*
 * http_client.h: HTTP requests to the outside (RFC 9110, 9112), thousands at once, by libcurl.
 *
 * Every request and every redirect passes the guard of egress.h. Certificates are verified against
 * one list of authorities held by the client. No cookies, no cache, no proxy but the one of its options: then the guard looks at
 * the proxy, and at the target only where it is an address.
 *
 * Runs on: the loop's thread. The callback is called exactly once for each started call, never inside
 * http_client_start, and not at all after http_call_cancel.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/address.h"
#include "wire/egress.h"
#include "wire/trust.h"

struct clock;
struct http_call;
struct http_client;
struct loop;
struct resolve;

#define HTTP_TIMEOUT_MAX (10 * TIME_MINUTE)
#define HTTP_REDIRECTS_MAX 10
#define HTTP_FIELDS_MAX 66 /* what a request that is handed on may have (relay.c) */
#define HTTP_ANSWER_HEADERS_MAX_BYTES 32768
#define HTTP_BODY_MAX_BYTES (64u << 20)

/* Who we are to a peer, and how we greet it. Texts may be NULL. */
struct http_tls {
	const char *ca_pem;      /* authorities as text, instead of ca_file's */
	const char *cert_file, *key_file; /* PEM: our own certificate */
	const char *server_name; /* greeted and verified instead of the URL's host; an IP address: verified only */
	unsigned min_version, max_version; /* 10 .. 13; 0: what is usual */
};

struct http_ask_field {
	const char *name, *value;
};

/* By which proxies (proxy.h) targets are asked: http in absolute form, https through CONNECT. Texts may be NULL: none. */
struct http_proxy {
	const char *http_url, *https_url; /* for targets of that scheme */
	const char *no_proxy;             /* who is asked straight, and with it this machine; NULL: nobody is, not even that */
	const struct http_ask_field *fields; /* of CONNECT */
	unsigned fields_count;
};

struct http_client_options {
	struct egress_policy policy; /* one client, one policy */
	const char *ca_file;         /* PEM; NULL: the system's authorities */
	const char *user_agent;      /* NULL: "mainstay" */
	unsigned connections_max;    /* open at once; more wait; 0: 1024 */
	unsigned idle_max;           /* of them that stay open for the next call; 0: 64 */
	const struct http_tls *tls;  /* copied; one client, one identity; NULL: none */
	const struct http_proxy *proxy; /* copied; NULL: none */
};

struct http_ask {
	const char *method; /* NULL: "GET" */
	const char *url;
	const char *target; /* NULL: as the URL says; else sent as it is, to the host of the URL: "/..."; a redirect ends it */
	const struct http_ask_field *fields;
	unsigned fields_count;
	bool fields_stay;        /* at this origin: a redirect to another takes Accept along and nothing else */
	struct str body;         /* copied */
	time_us timeout;         /* over all redirects; 1 ms .. HTTP_TIMEOUT_MAX */
	time_us connect_timeout; /* 0: as long as the whole */
	size_t body_max_bytes;   /* of the answer, >= 1; what is longer is cut and the transfer ended */
	unsigned redirects_max;  /* 0: a redirect is the answer */
	bool verify_off;         /* the certificate is looked at, but anything is accepted */
	bool unfold;             /* gzip is asked for; the body is unfolded, and its limit counts unfolded bytes */
	bool fresh;              /* a connection of its own: for checks, which mean the whole way */
	/* For answers without an end (event streams): NULL, or told each piece of a 2xx body as it comes.
	 * The body is then not kept and has no limit in bytes. Gets the context of the call; never
	 * inside http_client_start; may not cancel the call, but may stop the loop. */
	void (*piece)(void *context, struct str bytes);
};

struct http_timings { /* of the last hop; 0 when that step was not reached or not needed */
	time_us dns, connect, tls, first_byte; /* each step's own length */
	time_us total;                         /* from start to end, over all hops */
};

struct http_answer {
	int status;            /* 0 when there was none */
	struct str headers;    /* raw lines of the last answer, for http_answer_field */
	struct str body;
	bool body_cut;
	const char *url;       /* the last one asked */
	unsigned redirects;
	const char *redirect;  /* where a redirect that was not followed leads, as an absolute URL; or NULL */
	struct http_timings timings;
	bool certificated;     /* the next is set */
	struct certificate certificate;
	char address[ADDRESS_TEXT_BYTES]; /* connected to, of the last hop; may be empty */
};

/* `answer` is always given, with what was learned; `err` is NULL when a whole answer came. All of
 * it is lent for the time of the callback. */
typedef void http_fn(void *context, const struct http_answer *answer, const struct error *err);

enum err http_client_create(struct loop *loop, struct clock *clock, struct resolve *resolve,
                            const struct http_client_options *options,
                            struct http_client **ret_client, struct error *err);
void http_client_destroy(struct http_client **client); /* open calls are dropped without callback */

/* ERR_INVALID or ERR_DENIED when the request itself is refused: no callback then. */
enum err http_client_start(struct http_client *client, const struct http_ask *request,
                           http_fn *fn, void *context, struct http_call **ret_call,
                           struct error *err);
void http_call_cancel(struct http_call **call);

/* The first field of that name (any case), trimmed; the empty run when there is none. */
struct str http_answer_field(const struct http_answer *answer, const char *name);

/* For those who share a client's parts. */
struct trust *http_client_trust(struct http_client *client);
const struct egress_policy *http_client_policy(const struct http_client *client);
