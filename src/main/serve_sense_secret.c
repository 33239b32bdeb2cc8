/*
 * serve_sense_secret.c: named secrets for the checks that sign in with them.
 *
 * Opened once and kept in memory until any secret changes: the loop must not ask the store at each look, least
 * of all a store that is away. See serve_sense_priv.h.
 */
#include "main/serve_sense_priv.h"

#include <stdio.h>

#include <sodium.h>

#include "base/mem.h"
#include "guard/guard_vault.h"

struct kept_secret {
	struct kept_secret *next;
	char name[MONITOR_NAME_BYTES];
	struct buf value;
};

void secret_forget_all(struct serve_sense *s)
{
	while (s->secrets != NULL) {
		struct kept_secret *kept = s->secrets;
		s->secrets = kept->next;
		if (kept->value.size > 0)
			sodium_memzero(kept->value.bytes, kept->value.size);
		buf_finish(&kept->value);
		mem_free(kept);
	}
}

static enum err open_secret(struct serve_sense *s, const char *name, struct kept_secret **ret_kept, struct error *err)
{
	const struct guard_vault *vault = world_room(s->options.world, GUARD_VAULT_ROOM);
	struct kept_secret *kept = mem_alloc(sizeof *kept);
	snprintf(kept->name, sizeof kept->name, "%s", name);
	buf_init(&kept->value, PROBE_SECRET_BYTES_MAX);
	enum err r = guard_vault_open(vault, s->conn, str_of(name), &kept->value, err);
	if (r != OK) {
		buf_finish(&kept->value);
		mem_free(kept);
		return r;
	}
	kept->next = s->secrets;
	s->secrets = *ret_kept = kept;
	return OK;
}

static enum err find(void *context, const char *name, struct buf *out, struct error *err)
{
	struct serve_sense *s = context;
	struct kept_secret *kept = s->secrets;
	while (kept != NULL && !str_is(str_of(kept->name), name))
		kept = kept->next;
	enum err r = kept != NULL ? OK : open_secret(s, name, &kept, err);
	if (r == OK)
		buf_add(out, buf_str(&kept->value));
	return r;
}

struct probe_secrets secret_tools(struct serve_sense *s)
{
	return (struct probe_secrets){ .context = s, .find = find };
}
