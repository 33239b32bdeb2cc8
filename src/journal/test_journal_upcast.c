/* test_journal_upcast.c: payloads of earlier versions, as they were written, are read as today's. */
#include "base/check.h"

#include "journal/event.h"

TEST(a_subscriber_who_was_added_before_pages_had_their_own_belongs_to_none)
{
	static const char written[] = "{\"subscriber\":7,\"channel\":\"email\",\"source\":\"form\",\"components\":[\"shop\"],"
				      "\"state\":\"unconfirmed\"}";
	cleanup_arena struct arena arena;
	struct error err;
	const void *payload;
	arena_init(&arena, 1u << 20);
	CHECK_OK(event_decode(EVENT_SUBSCRIBER_ADDED, 1, str_of(written), &arena, &payload, &err));
	const struct event_subscriber_added *added = payload;
	CHECK_INT(added->subscriber, 7);
	CHECK_STR(added->components, "[\"shop\"]");
	CHECK_STR(added->page, "");
	CHECK_ERR(event_decode(EVENT_SUBSCRIBER_ADDED, 2, str_of(written), &arena, &payload, &err), ERR_CORRUPT);
}

TESTS(RUN(a_subscriber_who_was_added_before_pages_had_their_own_belongs_to_none))
