/* relabel.c: see relabel.h. */
#include "monitor/relabel.h"

#include <assert.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <gnutls/crypto.h>

#define FIRST_ROOM 16u
#define MD5_BYTES 16u

const char *const relabel_action_names[RELABEL_ACTION_COUNT + 1] = {
	[RELABEL_REPLACE] = "replace",     [RELABEL_KEEP] = "keep",           [RELABEL_DROP] = "drop",
	[RELABEL_HASHMOD] = "hashmod",     [RELABEL_LABELMAP] = "labelmap",   [RELABEL_LABELDROP] = "labeldrop",
	[RELABEL_LABELKEEP] = "labelkeep", [RELABEL_LOWERCASE] = "lowercase", [RELABEL_UPPERCASE] = "uppercase",
	[RELABEL_KEEPEQUAL] = "keepequal", [RELABEL_DROPEQUAL] = "dropequal",
};

/* ---- the set ---- */

void relabel_set_init(struct relabel_set *set, struct arena *arena)
{
	*set = (struct relabel_set){ .arena = arena };
}

/* Where the name stands, or would. */
static size_t place_of(const struct relabel_set *set, struct str name, bool *ret_found)
{
	size_t low = 0, high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (str_cmp(set->pairs[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = low < set->count && str_eq(set->pairs[low].name, name);
	return low;
}

struct str relabel_set_get(const struct relabel_set *set, struct str name)
{
	bool found;
	size_t at = place_of(set, name, &found);
	return found ? set->pairs[at].value : STR_NONE;
}

static void make_room(struct relabel_set *set)
{
	if (set->count < set->room)
		return;
	set->room = set->room > 0 ? set->room * 2 : FIRST_ROOM;
	struct promql_label *pairs = arena_array(set->arena, struct promql_label, set->room);
	if (set->count > 0)
		memcpy(pairs, set->pairs, set->count * sizeof *pairs);
	set->pairs = pairs;
}

static void take_out(struct relabel_set *set, size_t at)
{
	set->count--;
	memmove(&set->pairs[at], &set->pairs[at + 1], (set->count - at) * sizeof *set->pairs);
}

void relabel_set_put(struct relabel_set *set, struct str name, struct str value)
{
	bool found;
	size_t at = place_of(set, name, &found);
	if (found && value.len > 0) {
		set->pairs[at].value = value;
	} else if (found) {
		take_out(set, at);
	} else if (value.len > 0) {
		make_room(set);
		memmove(&set->pairs[at + 1], &set->pairs[at], (set->count - at) * sizeof *set->pairs);
		set->pairs[at] = (struct promql_label){ name, value };
		set->count++;
	}
}

struct promql_labels relabel_set_labels(const struct relabel_set *set)
{
	return (struct promql_labels){ set->pairs, set->count };
}

/* ---- actions ---- */

static struct str joined(const struct relabel_rule *rule, const struct relabel_set *set)
{
	size_t length = 0, used = 0;
	if (rule->source_count == 1)
		return relabel_set_get(set, rule->sources[0]);
	for (size_t i = 0; i < rule->source_count; i++)
		length += relabel_set_get(set, rule->sources[i]).len + (i > 0 ? rule->separator.len : 0);
	char *text = arena_alloc(set->arena, length + 1);
	for (size_t i = 0; i < rule->source_count; i++) {
		struct str parts[2] = { i > 0 ? rule->separator : STR_NONE, relabel_set_get(set, rule->sources[i]) };
		for (size_t p = 0; p < 2; p++) {
			if (parts[p].len > 0)
				memcpy(text + used, parts[p].ptr, parts[p].len);
			used += parts[p].len;
		}
	}
	assert(used == length);
	return (struct str){ text, length };
}

static struct str expand(const struct relabel_rule *rule, struct str template, const struct str *groups, struct arena *arena)
{
	if (template.len == 0 || memchr(template.ptr, '$', template.len) == NULL)
		return template;
	size_t length = promql_pattern_expand(rule->pattern, template, groups, NULL);
	char *text = arena_alloc(arena, length + 1);
	promql_pattern_expand(rule->pattern, template, groups, text);
	return (struct str){ text, length };
}

static void replace(const struct relabel_rule *rule, struct str value, struct relabel_set *set)
{
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	if (!promql_pattern_groups(rule->pattern, value, groups))
		return;
	struct str target = expand(rule, rule->target, groups, set->arena);
	if (target.len > 0 && str_is_utf8(target))
		relabel_set_put(set, target, expand(rule, rule->replacement, groups, set->arena));
}

/* The last eight bytes of the MD5, the most significant first: what Prometheus' shards are made of. */
static void hash_modulo(const struct relabel_rule *rule, struct str value, struct relabel_set *set)
{
	unsigned char md5[MD5_BYTES];
	uint64_t number = 0;
	int failed = gnutls_hash_fast(GNUTLS_DIG_MD5, value.ptr != NULL ? value.ptr : "", value.len, md5);
	assert(failed == 0);
	assert(rule->modulus > 0);
	for (size_t i = MD5_BYTES / 2; i < MD5_BYTES; i++)
		number = number << 8 | md5[i];
	relabel_set_put(set, rule->target,
			arena_printf(set->arena, "%llu", (unsigned long long)(number % rule->modulus)));
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

static struct str letters_ascii(struct str text, bool upper, struct arena *arena)
{
	struct str copy = arena_str(arena, text);
	for (size_t i = 0; i < copy.len; i++) {
		char *c = (char *)copy.ptr + i;
		if (upper ? *c >= 'a' && *c <= 'z' : *c >= 'A' && *c <= 'Z')
			*c = (char)(*c ^ 0x20);
	}
	return copy;
}

/* Letters beyond ASCII by the tables of C.UTF-8, which every Debian has; without them they stay. */
static struct str letters(struct str text, bool upper, struct arena *arena)
{
	locale_t utf8 = is_ascii(text) ? (locale_t)0 : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0)
		return letters_ascii(text, upper, arena);
	locale_t before = uselocale(utf8);
	char *out = arena_alloc(arena, text.len * MB_LEN_MAX + 1);
	size_t used = 0;
	mbstate_t reading = { 0 }, writing = { 0 };
	for (size_t at = 0; at < text.len;) {
		wchar_t c;
		size_t took = mbrtowc(&c, text.ptr + at, text.len - at, &reading);
		if (took == 0 || took > text.len - at) { /* NUL, or no UTF-8: as it is */
			reading = (mbstate_t){ 0 };
			out[used++] = text.ptr[at++];
			continue;
		}
		used += wcrtomb(out + used, (wchar_t)(upper ? towupper((wint_t)c) : towlower((wint_t)c)), &writing);
		at += took;
	}
	uselocale(before);
	freelocale(utf8);
	return (struct str){ out, used };
}

/* Over a copy: what is set here is not looked at again. */
static void map_names(const struct relabel_rule *rule, struct relabel_set *set)
{
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	size_t count = set->count;
	struct promql_label *before = arena_array(set->arena, struct promql_label, count + 1);
	if (count > 0)
		memcpy(before, set->pairs, count * sizeof *before);
	for (size_t i = 0; i < count; i++) {
		if (!promql_pattern_groups(rule->pattern, before[i].name, groups))
			continue;
		struct str name = expand(rule, rule->replacement, groups, set->arena);
		if (name.len > 0)
			relabel_set_put(set, name, before[i].value);
	}
}

static void drop_names(const struct relabel_rule *rule, struct relabel_set *set, bool matching)
{
	for (size_t i = set->count; i-- > 0;)
		if (promql_pattern_matches(rule->pattern, set->pairs[i].name) == matching)
			take_out(set, i);
}

static bool apply_one(const struct relabel_rule *rule, struct relabel_set *set)
{
	struct str value = joined(rule, set);
	switch (rule->action) {
	case RELABEL_KEEP:
		return promql_pattern_matches(rule->pattern, value);
	case RELABEL_DROP:
		return !promql_pattern_matches(rule->pattern, value);
	case RELABEL_KEEPEQUAL:
		return str_eq(relabel_set_get(set, rule->target), value);
	case RELABEL_DROPEQUAL:
		return !str_eq(relabel_set_get(set, rule->target), value);
	case RELABEL_REPLACE:
		replace(rule, value, set);
		break;
	case RELABEL_HASHMOD:
		hash_modulo(rule, value, set);
		break;
	case RELABEL_LOWERCASE:
	case RELABEL_UPPERCASE:
		relabel_set_put(set, rule->target, letters(value, rule->action == RELABEL_UPPERCASE, set->arena));
		break;
	case RELABEL_LABELMAP:
		map_names(rule, set);
		break;
	case RELABEL_LABELDROP:
	case RELABEL_LABELKEEP:
		drop_names(rule, set, rule->action == RELABEL_LABELDROP);
		break;
	case RELABEL_ACTION_COUNT:
		assert(false);
	}
	return true;
}

bool relabel_apply(const struct relabel_rule *rules, size_t count, struct relabel_set *set)
{
	for (size_t i = 0; i < count; i++)
		if (!apply_one(&rules[i], set))
			return false;
	return true;
}
