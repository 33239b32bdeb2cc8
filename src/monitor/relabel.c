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
#define DIGITS_BYTES 24u

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

/* What rules make of a hostile value may be long: it fails this set, not the process. */
static void *take_room(struct relabel_set *set, size_t size)
{
	void *memory = arena_try(set->arena, size);
	set->full |= memory == NULL;
	return memory;
}

static bool make_room(struct relabel_set *set)
{
	if (set->count < set->room)
		return true;
	size_t room = set->room > 0 ? set->room * 2 : FIRST_ROOM;
	struct promql_label *pairs = take_room(set, room * sizeof *pairs);
	if (pairs == NULL)
		return false;
	if (set->count > 0)
		memcpy(pairs, set->pairs, set->count * sizeof *pairs);
	set->pairs = pairs;
	set->room = room;
	return true;
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
	} else if (value.len > 0 && make_room(set)) {
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

static struct str joined(const struct relabel_rule *rule, struct relabel_set *set)
{
	size_t length = 0, used = 0;
	if (rule->source_count == 1)
		return relabel_set_get(set, rule->sources[0]);
	for (size_t i = 0; i < rule->source_count; i++)
		length += relabel_set_get(set, rule->sources[i]).len + (i > 0 ? rule->separator.len : 0);
	char *text = take_room(set, length + 1);
	for (size_t i = 0; i < rule->source_count && text != NULL; i++) {
		struct str parts[2] = { i > 0 ? rule->separator : STR_NONE, relabel_set_get(set, rule->sources[i]) };
		for (size_t p = 0; p < 2; p++) {
			if (parts[p].len > 0)
				memcpy(text + used, parts[p].ptr, parts[p].len);
			used += parts[p].len;
		}
	}
	return (struct str){ text, used };
}

static struct str expand(const struct relabel_rule *rule, struct str template, const struct str *groups, struct relabel_set *set)
{
	if (!str_has(template, '$'))
		return template;
	size_t length = promql_pattern_expand(rule->pattern, template, groups, NULL);
	char *text = take_room(set, length + 1);
	if (text == NULL)
		return STR_NONE;
	promql_pattern_expand(rule->pattern, template, groups, text);
	return (struct str){ text, length };
}

static void replace(const struct relabel_rule *rule, struct str value, struct relabel_set *set)
{
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	if (!promql_pattern_groups(rule->pattern, value, groups))
		return;
	struct str target = expand(rule, rule->target, groups, set);
	if (target.len > 0 && str_is_utf8(target))
		relabel_set_put(set, target, expand(rule, rule->replacement, groups, set));
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
	char *digits = take_room(set, DIGITS_BYTES);
	if (digits == NULL)
		return;
	snprintf(digits, DIGITS_BYTES, "%llu", (unsigned long long)(number % rule->modulus));
	relabel_set_put(set, rule->target, str_of(digits));
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

static struct str letters_ascii(struct str text, bool upper, char *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool other = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
		out[i] = other ? (char)(c ^ 0x20) : c;
	}
	return (struct str){ out, text.len };
}

/* Letters beyond ASCII by the tables of C.UTF-8, which every Debian has; without them they stay. */
static struct str letters(struct str text, bool upper, struct relabel_set *set)
{
	bool ascii = is_ascii(text);
	char *out = take_room(set, text.len * (ascii ? 1 : MB_LEN_MAX) + 1);
	if (out == NULL)
		return STR_NONE;
	locale_t utf8 = ascii ? (locale_t)0 : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0)
		return letters_ascii(text, upper, out);
	locale_t before = uselocale(utf8);
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
	struct promql_label *before = take_room(set, (count + 1) * sizeof *before);
	if (before == NULL)
		return;
	if (count > 0)
		memcpy(before, set->pairs, count * sizeof *before);
	for (size_t i = 0; i < count; i++) {
		if (!promql_pattern_groups(rule->pattern, before[i].name, groups))
			continue;
		struct str name = expand(rule, rule->replacement, groups, set);
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
		relabel_set_put(set, rule->target, letters(value, rule->action == RELABEL_UPPERCASE, set));
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
		if (!apply_one(&rules[i], set) || set->full)
			return false;
	return true;
}
