/*
 * notify_settings.h: what people set once for all notifications: mail relay, ntfy server, webhooks.
 *
 *     PUT /settings/notifications --> notify_settings_decide --> settings.changed (secrets masked)
 *                                                           \--> vault table notify_setting
 *
 * Three sections: "smtp", "ntfy", "webhook". A section that a change leaves out stays as it was; null
 * removes it. A password or token that is left out stays, but only for the same server: what was
 * meant for one must not be told to another.
 *
 * To add a section: 1. its rows and a row in `sections` of notify_settings.c; 2. read it in
 * `fill`; 3. write it in notify_settings_write.
 *
 * Decides on the world's thread; reading on any connection. Texts live in the arena given.
 */
#pragma once

#include "journal/world.h"
#include "wire/address.h"
#include "wire/json_writer.h"
#include "wire/spec.h"

#define NOTIFY_ALLOW_MAX 32 /* ranges that webhooks may reach beyond public addresses */

struct notify_settings {
	struct {
		struct str host; /* empty: no relay is set up */
		uint16_t port;
		struct str security; /* none, starttls or tls */
		struct str user, password; /* empty: no signing in */
		struct str from;
	} smtp;
	struct {
		struct str server, token; /* "https://ntfy.example"; empty: none is set up */
	} ntfy;
	struct {
		struct address_range allow[NOTIFY_ALLOW_MAX];
		unsigned allows;
	} webhook;
};

extern const struct spec_field notify_settings_spec[];

struct notify_settings_change {
	const struct doc_node *change; /* the request's body; must live until the command is done */
};
/* Needs admin. ERR_INVALID with the field. */
decide_fn notify_settings_decide;

/* Nothing set is no error: everything is empty then. */
enum err notify_settings_get(struct store_conn *conn, struct arena *arena,
			     struct notify_settings *ret_settings, struct error *err);

/* Fields `smtp`, `ntfy` and `webhook` of the open map; for secrets only whether there is one. */
void notify_settings_write(const struct notify_settings *settings, struct json_writer *json);
