/* guard_visible_store.c: who knows of what, as SQL and as a function; a test holds the two equal.
 * The rules stand in principal.h. */
#include <assert.h>

#include "guard/guard_priv.h"

/* Sees what is for teams without being in them. */
static bool sees_teams(const struct principal *p)
{
	return p->role == ROLE_ADMIN || p->role == ROLE_AUDITOR;
}

static bool sees_private(const struct principal *p)
{
	return p->role == ROLE_AUDITOR && p->audit_open;
}

static bool is_prefix(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static void add_teams(const struct principal *p, const char *prefix, struct buf *text,
		      struct guard_sql *sql)
{
	if (sees_teams(p)) {
		buf_printf(text, " OR %svisibility = 'team'", prefix);
		return;
	}
	for (size_t i = 0; i < p->team_count; i++) {
		if (i == 0)
			buf_printf(text, " OR (%svisibility = 'team' AND %steam IN (?", prefix, prefix);
		else
			buf_adds(text, ", ?");
		sql->values[sql->count++] = STORE_TEXT(p->teams[i]);
	}
	buf_adds(text, p->team_count > 0 ? "))" : "");
}

void guard_visible(const struct principal *p, const char *prefix, const char *takes_part,
		   struct guard_sql *ret_sql)
{
	char dotted[32] = "";
	cleanup_buf struct buf text;
	struct guard_sql sql = { .count = 0 };
	assert(prefix == NULL || is_prefix(prefix));
	assert(p->team_count <= GUARD_TEAMS_MAX);
	if (prefix != NULL && prefix[0] != '\0')
		snprintf(dotted, sizeof dotted, "%s.", prefix);
	buf_init(&text, GUARD_SQL_BYTES - 1);
	if (!guard_may(p, PERMISSION_READ)) {
		buf_adds(&text, "(1 = 0)");
	} else {
		buf_printf(&text, "(%svisibility = 'everyone'", dotted);
		add_teams(p, dotted, &text, &sql);
		if (sees_private(p))
			buf_printf(&text, " OR %svisibility = 'private'", dotted);
		if (takes_part != NULL) {
			buf_printf(&text, " OR (%svisibility IN ('team', 'private') AND (%s))", dotted,
				   takes_part);
			sql.values[sql.count++] = STORE_INT(p->user);
		}
		buf_addc(&text, ')');
	}
	assert(!text.full);
	memcpy(sql.text, text.bytes, text.used + 1);
	*ret_sql = sql;
}

bool guard_sees(const struct principal *p, struct str visibility, struct str team, bool takes_part)
{
	if (!guard_may(p, PERMISSION_READ))
		return false;
	if (str_is(visibility, "everyone"))
		return true;
	bool is_private = str_is(visibility, "private");
	if (!is_private && !str_is(visibility, "team"))
		return false;
	if (takes_part || (is_private ? sees_private(p) : sees_teams(p)))
		return true;
	for (size_t i = 0; !is_private && i < p->team_count; i++) {
		if (str_eq(p->teams[i], team))
			return true;
	}
	return false;
}
