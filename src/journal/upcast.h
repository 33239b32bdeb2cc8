/*
 * upcast.h: older versions of events, brought to today's.
 *
 * One pure function per kind and version, in order; each takes the payload of version n and gives
 * that of n + 1. None is ever removed: test_journal_upcast.c keeps what each version wrote.
 */
#pragma once

#include "base/arena.h"
#include "journal/event.h"
#include "wire/doc.h"

/* The payload as the current version would have written it. */
const struct doc_node *upcast(enum event_kind kind, int version, const struct doc_node *payload,
			      struct arena *arena);
