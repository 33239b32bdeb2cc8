/* api_scrape.h: what is scraped, as the API asks for it: what `main` gives it. */
#pragma once

#include "monitor/scrape_loop.h"

struct api_scrape {
	void *context;
	void (*see)(void *context, scrape_see_fn *see, void *see_context); /* each target; any thread */
	void (*jobs)(void *context, scrape_job_fn *see, void *see_context); /* the same */
	bool (*trouble)(void *context, char *ret_text, size_t size);        /* a sentence, while the file is refused */
	void (*figures)(void *context, struct scrape_figures *ret_figures);
};
