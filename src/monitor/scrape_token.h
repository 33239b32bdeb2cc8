/*
 * scrape_token.h: a token by the client credentials of OAuth 2 (RFC 6749 4.4), for all who ask with one client.
 *
 *     NONE --who wants it--> ASKED, name and secret in Authorization; where that gives none, in the form (2.3.1)
 *       ^                      |-- a token --> HELD ---- shortly before it ends, 401, another secret --> NONE
 *       |                      \-- none -----> FAILED -- who wants it within 5 s is told why
 *       +------------------------------------------+-- 5 s later, or another secret
 *
 * It is asked once while many wait, and they get what came, however short it lasts. A secret's file is read each time somebody
 * wants the token. Of an answer without a token only the status is told, and the error when it is a word of the RFC: the rest
 * may quote what was sent. A redirect is no token: the secret goes to the token_url alone.
 *
 * Runs on: the loop's thread. Owns: secret and token, which are overwritten when they go.
 */
#pragma once

#include "monitor/scrape_ask.h"

#define SCRAPE_TOKEN_TIMEOUT_MS 10000
#define SCRAPE_TOKEN_BODY_BYTES_MAX (1 << 20)
#define SCRAPE_TOKEN_EARLY (10 * TIME_SECOND)     /* so long before its end it is asked anew, at most half its life */
#define SCRAPE_TOKEN_FAILED_FOR (5 * TIME_SECOND)
#define SCRAPE_TOKEN_AGE_MIN (10 * TIME_SECOND)   /* a 401 ends none that is younger: it would not be the token's fault */

struct scrape_token;

/* `field` is what Authorization says, lent; NULL: `err` says why not. `number` is for scrape_token_refused. */
typedef void scrape_token_fn(void *context, const char *field, uint64_t number, const struct error *err);

/* Who waits; the caller's memory. */
struct scrape_token_wait {
	struct scrape_token_wait *next, **link; /* link NULL: it does not wait */
	scrape_token_fn *fn;
	void *context;
};

enum err scrape_token_create(const struct scrape_ask_tools *tools, const struct scrape_oauth2 *oauth2,
			     struct scrape_token **ret_token, struct error *err);
void scrape_token_destroy(struct scrape_token **token); /* who waits is not told; accepts NULL */

/* OK: told now when `*ret_field` is set (lent until the next call), else later and once. */
enum err scrape_token_want(struct scrape_token *token, struct scrape_token_wait *wait, const char **ret_field,
			   uint64_t *ret_number, struct error *err);
void scrape_token_leave(struct scrape_token_wait *wait); /* accepts one that does not wait */
void scrape_token_refused(struct scrape_token *token, uint64_t number); /* a target answered 401 */
