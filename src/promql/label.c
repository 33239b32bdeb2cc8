/* label.c: see label.h. */
#include "promql/label.h"

#include <string.h>

#include "promql/rune.h"

struct str promql_label_get(struct promql_labels labels, struct str name)
{
	for (size_t i = 0; i < labels.count; i++)
		if (str_eq(labels.pairs[i].name, name))
			return labels.pairs[i].value;
	return STR_NONE;
}

bool promql_labels_equal(struct promql_labels a, struct promql_labels b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!str_eq(a.pairs[i].name, b.pairs[i].name) || !str_eq(a.pairs[i].value, b.pairs[i].value))
			return false;
	return true;
}

int promql_labels_compare(struct promql_labels a, struct promql_labels b)
{
	for (size_t i = 0; i < a.count && i < b.count; i++) {
		int order = str_cmp(a.pairs[i].name, b.pairs[i].name);
		if (order == 0)
			order = str_cmp(a.pairs[i].value, b.pairs[i].value);
		if (order != 0)
			return order;
	}
	return a.count < b.count ? -1 : a.count > b.count;
}

uint64_t promql_labels_hash(struct promql_labels labels)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < labels.count; i++) {
		hash = (hash ^ str_hash(labels.pairs[i].name)) * 1099511628211u;
		hash = (hash ^ str_hash(labels.pairs[i].value)) * 1099511628211u;
		hash ^= hash >> 29;
	}
	return hash;
}

static size_t text_bytes(struct promql_labels labels)
{
	size_t bytes = 0;
	for (size_t i = 0; i < labels.count; i++)
		bytes += labels.pairs[i].name.len + labels.pairs[i].value.len;
	return bytes;
}

static struct str put(char **at, struct str text)
{
	struct str copy = { *at, text.len };
	if (text.len > 0)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

bool promql_labels_copy(struct promql_labels labels, struct arena *arena, struct promql_labels *ret_labels)
{
	*ret_labels = (struct promql_labels){ NULL, 0 };
	if (labels.count == 0)
		return true;
	size_t pairs_bytes = labels.count * sizeof(struct promql_label);
	struct promql_label *pairs = arena_try(arena, pairs_bytes + text_bytes(labels));
	if (pairs == NULL)
		return false;
	char *at = (char *)pairs + pairs_bytes;
	for (size_t i = 0; i < labels.count; i++) {
		pairs[i].name = put(&at, labels.pairs[i].name);
		pairs[i].value = put(&at, labels.pairs[i].value);
	}
	*ret_labels = (struct promql_labels){ pairs, labels.count };
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool promql_is_label_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_letter(text.ptr[i]) && (i == 0 || text.ptr[i] < '0' || text.ptr[i] > '9'))
			return false;
	return text.len > 0;
}

bool promql_is_metric_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_letter(text.ptr[i]) && text.ptr[i] != ':' &&
		    (i == 0 || text.ptr[i] < '0' || text.ptr[i] > '9'))
			return false;
	return text.len > 0;
}

void promql_quote(struct str text, struct buf *buf)
{
	static const char named[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
	buf_addc(buf, '"');
	for (size_t at = 0; at < text.len && !buf->full;) {
		size_t from = at;
		uint32_t rune = rune_next(text, &at);
		const char *found = rune < 0x80 && rune != 0 ? strchr(named, (int)rune) : NULL;
		if (rune == 0xfffd && at == from + 1)
			buf_printf(buf, "\\x%02x", (uint8_t)text.ptr[from]);
		else if (found != NULL)
			buf_printf(buf, "\\%c", letters[found - named]);
		else if (rune_is_print(rune))
			buf_add(buf, str_sub(text, from, at));
		else if (rune < 0x80)
			buf_printf(buf, "\\x%02x", rune);
		else
			buf_printf(buf, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
	}
	buf_addc(buf, '"');
}

static void print_name(struct str name, struct buf *buf)
{
	if (promql_is_label_name(name))
		buf_add(buf, name);
	else
		promql_quote(name, buf);
}

static void print_from(struct promql_labels labels, bool skip_name, const char *begun, struct buf *buf)
{
	const char *between = begun;
	for (size_t i = 0; i < labels.count; i++) {
		if (skip_name && str_is(labels.pairs[i].name, PROMQL_NAME))
			continue;
		buf_adds(buf, between);
		between = ", ";
		print_name(labels.pairs[i].name, buf);
		buf_addc(buf, '=');
		promql_quote(labels.pairs[i].value, buf);
	}
}

void promql_labels_print(struct promql_labels labels, struct buf *buf)
{
	buf_addc(buf, '{');
	print_from(labels, false, "", buf);
	buf_addc(buf, '}');
}

void promql_labels_print_series(struct promql_labels labels, struct buf *buf)
{
	struct str name = promql_label_get(labels, STR(PROMQL_NAME));
	bool plain = promql_is_metric_name(name);
	if (plain && labels.count == 1) {
		buf_add(buf, name);
		return;
	}
	if (plain)
		buf_add(buf, name);
	buf_addc(buf, '{');
	if (name.len > 0 && !plain) {
		promql_quote(name, buf);
		print_from(labels, true, ", ", buf);
	} else {
		print_from(labels, true, "", buf);
	}
	buf_addc(buf, '}');
}
