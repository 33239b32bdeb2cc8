/* comms_subscriber_priv.h: what the files about subscribers share. SQL stands in comms_subscriber_store.c alone. */
#pragma once

#include "comms/comms_subscriber.h"

struct subscriber_private {
	int64_t subscriber;
	struct str address, secret, signing;
	time_us asked; /* when the confirm mail was written last */
};
enum err subscriber_private_put(struct store_conn *conn, const void *subscriber_private, struct error *err);
enum err subscriber_private_erase(struct store_conn *conn, const void *id, struct error *err);
enum err subscriber_private_get(struct store_conn *conn, int64_t subscriber, struct arena *arena,
				bool *ret_found, struct subscriber_private *ret_private, struct error *err);
/* 0: nobody has it; capitals do not matter. */
enum err subscriber_of_address(struct store_conn *conn, struct str address, int64_t *ret_subscriber,
			       struct error *err);

/* comms_subscriber_mail.c */
void subscriber_mail_confirm(struct decision *d, const struct subscriber_private *to);
void subscriber_mail_drop(struct decision *d, int64_t subscriber);
/* The last subscriber that was told of an update; 0: nobody yet. */
enum err subscriber_told_up_to(struct store_conn *conn, int64_t update, int64_t *ret_id, struct error *err);
