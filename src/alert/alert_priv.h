/* alert_priv.h: what the files of this room share. SQL stands in alert_store.c alone. */
#pragma once

#include "alert/alert.h"
#include "alert/alert_book.h"

/* The firing alert of this check; ret_found false when there is none. */
enum err alert_firing(struct store_conn *conn, struct str check, struct arena *arena,
		      bool *ret_found, struct alert *ret_alert, struct error *err);
enum err alert_mute_get(struct store_conn *conn, int64_t id, struct arena *arena,
			struct alert_mute *ret_mute, struct error *err);

/* As alert_batch_items, with labels and annotations. */
enum err alert_batch_whole(const struct event *event, struct arena *arena, struct alert **ret_alerts,
			   size_t *ret_count, struct error *err);

/* {"annotations", "generatorURL"} of a signal; the caller frees with mem_free. */
char *alert_texts_json(const struct alert_signal *signal);

/* Every firing alert that a message keeps alive. */
typedef bool alert_each_alive_fn(void *context, const struct alert_alive *alive);
enum err alert_alive_list(struct store_conn *conn, alert_each_alive_fn *each, void *context,
			  struct error *err);

/* Emits one `alert.batch` with these transitions; emits nothing for none. */
void alert_emit(struct decision *d, const char *source, const struct alert *alerts, size_t count);
