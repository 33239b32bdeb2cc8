/* doc_path.c: see doc_path.h. */
#include "wire/doc_path.h"

#include <ctype.h>
#include <string.h>

enum step { STEP_END, STEP_NAME, STEP_INDEX, STEP_BAD };

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

static enum step read_bracket(struct str *rest, struct str *ret_name, int64_t *ret_index)
{
	struct str inner, after;
	bool quoted = rest->len > 1 && (rest->ptr[1] == '\'' || rest->ptr[1] == '"');
	if (!quoted) {
		if (!str_cut(str_sub(*rest, 1, rest->len), ']', &inner, &after) || !str_int(inner, 0, INT32_MAX, ret_index))
			return STEP_BAD;
		*rest = after;
		return STEP_INDEX;
	}
	if (!str_cut(str_sub(*rest, 2, rest->len), rest->ptr[1], ret_name, &after) || after.len == 0 ||
	    after.ptr[0] != ']')
		return STEP_BAD;
	*rest = str_sub(after, 1, after.len);
	return STEP_NAME;
}

static enum step read_step(struct str *rest, bool first, struct str *ret_name, int64_t *ret_index)
{
	size_t from = 0, length = 0;
	if (rest->len == 0)
		return STEP_END;
	if (rest->ptr[0] == '[')
		return read_bracket(rest, ret_name, ret_index);
	if (rest->ptr[0] == '.')
		from = 1;
	else if (!first)
		return STEP_BAD;
	while (from + length < rest->len && is_name(rest->ptr[from + length]))
		length++;
	if (length == 0)
		return STEP_BAD;
	*ret_name = str_sub(*rest, from, from + length);
	*rest = str_sub(*rest, from + length, rest->len);
	return STEP_NAME;
}

static struct str without_root(struct str path)
{
	bool rooted = str_starts(path, STR("$")) && (path.len == 1 || path.ptr[1] == '.' || path.ptr[1] == '[');
	return rooted ? str_sub(path, 1, path.len) : path;
}

bool doc_path_check(struct str path)
{
	struct str rest = without_root(path), name;
	int64_t index;
	enum step step = STEP_NAME;
	if (path.len == 0 || path.len > DOC_PATH_BYTES_MAX)
		return false;
	for (bool first = true; step != STEP_END && step != STEP_BAD; first = false)
		step = read_step(&rest, first, &name, &index);
	return step == STEP_END;
}

const struct doc_node *doc_path_find(const struct doc_node *root, struct str path)
{
	struct str rest = without_root(path), name;
	int64_t index;
	bool first = true;
	while (root != NULL) {
		const struct doc_entry *entry = NULL;
		switch (read_step(&rest, first, &name, &index)) {
		case STEP_END:
			return root;
		case STEP_BAD:
			return NULL;
		case STEP_NAME:
			entry = doc_is(root, DOC_MAP) ? doc_find(root, name) : NULL;
			root = entry != NULL ? &entry->value : NULL;
			break;
		case STEP_INDEX:
			root = doc_is(root, DOC_LIST) && (size_t)index < doc_count(root) ? doc_at(root, (size_t)index) : NULL;
		}
		first = false;
	}
	return NULL;
}
