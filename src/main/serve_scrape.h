/*
 * serve_scrape.h: the targets of --scrape-config: a thread that asks them, and the series their samples go to.
 *
 *     file --read--> scrape_loop_load            at the start, when it changes (seen within 5 s), and at SIGHUP
 *         \--it is wrong--> told in the log and on page Now; what was loaded before goes on
 *
 * Owns: a loop, its thread, a resolver. Checks, pages and requests never wait for it: it has no lock of theirs but that of
 * the series, which it holds for one scrape's frame.
 */
#pragma once

#include "api/api_scrape.h"
#include "main/serve_metrics.h"

struct serve_scrape;

struct serve_scrape_options {
	const struct settings *settings;
	struct clock *clock;
	struct serve_metrics *metrics;
};

/* Without --scrape-config: OK and NULL. A file that is wrong keeps nobody from starting. */
enum err serve_scrape_start(const struct serve_scrape_options *options, struct serve_scrape **ret_scrape,
			    struct error *err);
void serve_scrape_stop(struct serve_scrape **scrape); /* accepts NULL, leaves NULL */

void serve_scrape_reload(struct serve_scrape *scrape); /* any thread; NULL: nothing */
const struct api_scrape *serve_scrape_api(struct serve_scrape *scrape); /* NULL: nothing is scraped */

/* True, and a sentence, while the file is wrong. Any thread; NULL: false. */
bool serve_scrape_trouble(struct serve_scrape *scrape, char *ret_text, size_t size);
