/*
 * warnings.h: what is wrong with Mainstay itself, in sentences for the first page.
 *
 *     trouble    nothing can be stored, or only out of the reserve (trouble.h)
 *     parked     a rule ended the process twice, or failed twice, and is left out for one thing (flight.h)
 *     samples    of time series are refused, or some were lost (serve_metrics.h)
 *     scrape     the file of --scrape-config is refused (serve_scrape.h)
 *     overload   requests were refused in the last minute because too many waited
 *
 * To add one: a static function below `warnings_tell`, and its call in there.
 *
 * Runs on: `tick` on the main thread, `tell` on any.
 */
#pragma once

#include "api/api.h"
#include "journal/flight.h"
#include "main/serve_metrics.h"
#include "main/serve_scrape.h"
#include "main/trouble.h"
#include "wire/http_server.h"

struct warnings;

/* What it looks at must outlive it; `flight` may be NULL. */
struct warnings *warnings_create(struct trouble *trouble, struct flight *flight);
void warnings_destroy(struct warnings **warnings);

/* Once the server listens: whose refusals are counted. */
void warnings_watch(struct warnings *warnings, struct http_server *http);

/* Whose samples are looked at; NULL: nobody's. Before anybody is served, and before they end. */
void warnings_metrics(struct warnings *warnings, struct serve_metrics *metrics);

/* The same of what is scraped. */
void warnings_scrape(struct warnings *warnings, struct serve_scrape *scrape);

/* Every WARNINGS_TICK_S seconds: the minute moves on. */
#define WARNINGS_TICK_S 15
void warnings_tick(struct warnings *warnings);

/* Gives every warning that holds now; for api_options.warnings. */
void warnings_tell(void *warnings, api_warn_fn *warn, void *context);
