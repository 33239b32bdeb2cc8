/* expand.c: $1 and ${name} in templates of replacements. See pattern.h. */
#include <string.h>

#include "promql/pattern.h"

static bool is_name_byte(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t name_length(struct str rest)
{
	size_t length = 0;
	while (length < rest.len && is_name_byte(rest.ptr[length]))
		length++;
	return length;
}

static struct str group_named(const struct promql_pattern *pattern, struct str name, const struct str *groups)
{
	int64_t number;
	if (str_int(name, 0, INT32_MAX, &number))
		return number < PROMQL_PATTERN_GROUPS_MAX ? groups[number] : STR_NONE;
	int found = promql_pattern_group(pattern, name);
	return found >= 0 ? groups[found] : STR_NONE;
}

/* At a '$': what it stands for; how many bytes it took, 0: it is only a dollar. */
static size_t expand_one(const struct promql_pattern *pattern, struct str rest, const struct str *groups,
			 struct str *ret_text)
{
	bool braces = rest.len > 1 && rest.ptr[1] == '{';
	struct str name = str_sub(rest, 1 + braces, rest.len);
	name = str_sub(name, 0, name_length(name));
	if (rest.len > 1 && rest.ptr[1] == '$') {
		*ret_text = STR("$");
		return 2;
	}
	size_t end = 1 + braces + name.len;
	if (name.len == 0 || (braces && (end >= rest.len || rest.ptr[end] != '}')))
		return 0;
	*ret_text = group_named(pattern, name, groups);
	return end + braces;
}

size_t promql_pattern_expand(const struct promql_pattern *pattern, struct str template_text,
			     const struct str groups[PROMQL_PATTERN_GROUPS_MAX], char *out)
{
	size_t used = 0;
	for (size_t at = 0; at < template_text.len;) {
		struct str part = str_sub(template_text, at, at + 1);
		size_t took = 0;
		if (template_text.ptr[at] == '$')
			took = expand_one(pattern, str_sub(template_text, at, template_text.len), groups, &part);
		if (took == 0)
			part = str_sub(template_text, at, at + 1);
		if (out != NULL && part.len > 0)
			memcpy(out + used, part.ptr, part.len);
		used += part.len;
		at += took > 0 ? took : 1;
	}
	return used;
}
