/* comms_words.c: the words of this room, as tables: audiences, states, statuses of components. */
#include <assert.h>
#include <string.h>

#include "comms/comms.h"

const char *const comms_audiences[] = { "engineers", "executives", "customers", NULL };
const char *const comms_states[] = { "investigating", "identified", "monitoring", "resolved", NULL };
const char *const comms_statuses[] = { "operational", "degraded_performance", "partial_outage", "major_outage",
				       "under_maintenance", NULL };

static int index_of(const char *const *words, struct str text)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (str_is(text, words[i]))
			return i;
	}
	return -1;
}

const char *comms_audience_name(enum comms_audience audience)
{
	assert(audience < COMMS_AUDIENCE_COUNT);
	return comms_audiences[audience];
}

bool comms_audience_parse(struct str text, enum comms_audience *ret_audience)
{
	int i = index_of(comms_audiences, text);
	if (i >= 0)
		*ret_audience = (enum comms_audience)i;
	return i >= 0;
}

int comms_status_rank(struct str status)
{
	return index_of(comms_statuses, status);
}
