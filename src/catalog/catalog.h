/*
 * catalog.h: what runs here, who answers for it, and how much it matters.
 *
 * A Service is a definition; this room says what its spec means.
 */
#pragma once

#include "resource/definition.h"
#include "wire/spec.h"

extern const struct spec_field catalog_service_spec[]; /* the rows of kind Service */
#define CATALOG_SERVICE "Service"

struct catalog_service {
	bool known; /* false: nobody defined it; the rest is what an unknown service gets */
	struct str name, display; /* display: the name when none is given */
	int tier;                 /* 1 (matters most) .. 4 */
	struct str team, policy;  /* may be empty */
	struct str impact;        /* high, medium or low */
	struct str impact_reason; /* a sentence for people */
	bool customers;           /* customers use it directly */
};

/* Texts live in the arena. A name nobody defined is not an error. */
enum err catalog_service_get(struct store_conn *conn, struct str name, struct arena *arena,
			     struct catalog_service *ret_service, struct error *err);
