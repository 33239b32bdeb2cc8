/*
 * store_postgres_sql.c: our SQL in PostgreSQL's words: `?` becomes `$1`, `$2`..., and the few
 * functions whose names differ are in one table. What our SQL may say is small on purpose
 * (tools/check-sql), so this reads no grammar: it skips quoted texts and replaces whole words.
 */
#include "store/store_postgres_priv.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"

#define SQL_BYTES_MAX (128u << 10)

/* To add one: what we write, what PostgreSQL calls it. */
static const struct {
	const char *ours, *theirs;
} words[] = {
	{ "instr(", "strpos(" },
};

static bool is_word(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_';
}

static size_t add_word(struct buf *out, const char *at)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t length = strlen(words[i].ours);
		if (strncmp(at, words[i].ours, length) != 0)
			continue;
		buf_adds(out, words[i].theirs);
		return length;
	}
	size_t length = 0;
	while (is_word(at[length]))
		length++;
	buf_add(out, (struct str){ at, length });
	return length;
}

static size_t add_quoted(struct buf *out, const char *at)
{
	const char *end = strchr(at + 1, *at);
	assert(end != NULL);
	size_t length = (size_t)(end - at) + 1;
	buf_add(out, (struct str){ at, length });
	return length;
}

char *postgres_sql(const char *sql, int *ret_count)
{
	struct buf out;
	int count = 0;
	buf_init(&out, SQL_BYTES_MAX);
	/* A parameter has the database's own collation; texts are compared by their bytes. */
	static const char lower[] = "lower(?)";
	for (const char *at = sql; *at != '\0';) {
		if (strncmp(at, lower, sizeof lower - 1) == 0) {
			buf_printf(&out, "lower($%d COLLATE \"C\")", ++count);
			at += sizeof lower - 1;
		} else if (*at == '?') {
			buf_printf(&out, "$%d", ++count);
			at++;
		} else if (*at == '\'' || *at == '"') {
			at += add_quoted(&out, at);
		} else if (is_word(*at)) {
			at += add_word(&out, at);
		} else {
			buf_addc(&out, *at++);
		}
	}
	assert(!out.full);
	*ret_count = count;
	return buf_take(&out);
}
