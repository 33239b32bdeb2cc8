/*
 * text_diff.c: see text_diff.h. The longest common subsequence by the plain table: definitions are
 * small, and equal heads and tails are taken off first.
 */
#include "resource/text_diff.h"

#include <assert.h>

#include "base/mem.h"

enum edit_kind { SAME = ' ', REMOVED = '-', ADDED = '+' };

struct edit {
	enum edit_kind kind;
	struct str line;
};

struct lines {
	struct str *items;
	size_t count;
};

struct script {
	struct edit *edits;
	size_t count;
};

static struct lines split(struct str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	struct lines lines = { .items = mem_alloc((count + 1) * sizeof *lines.items) };
	while (text.len > 0) {
		str_cut(text, '\n', &lines.items[lines.count], &text);
		lines.count++;
	}
	return lines;
}

static void add(struct script *script, enum edit_kind kind, struct str line)
{
	script->edits[script->count++] = (struct edit){ kind, line };
}

/* length[i][j]: common lines of a[i..] and b[j..]. */
static void diff_middle(struct script *script, const struct str *a, size_t a_count,
			const struct str *b, size_t b_count)
{
	size_t width = b_count + 1, i = 0, j = 0;
	uint16_t *length = mem_alloc((a_count + 1) * width * sizeof *length);
	for (size_t x = a_count; x-- > 0;) {
		for (size_t y = b_count; y-- > 0;) {
			uint16_t down = length[(x + 1) * width + y], right = length[x * width + y + 1];
			length[x * width + y] = str_eq(a[x], b[y])
							? (uint16_t)(length[(x + 1) * width + y + 1] + 1)
						: down >= right ? down : right;
		}
	}
	while (i < a_count && j < b_count) {
		if (str_eq(a[i], b[j])) {
			add(script, SAME, a[i++]);
			j++;
		} else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
			add(script, REMOVED, a[i++]);
		} else {
			add(script, ADDED, b[j++]);
		}
	}
	while (i < a_count)
		add(script, REMOVED, a[i++]);
	while (j < b_count)
		add(script, ADDED, b[j++]);
	mem_free(length);
}

static void diff_large(struct script *script, const struct str *a, size_t a_count,
		       const struct str *b, size_t b_count)
{
	for (size_t i = 0; i < a_count; i++)
		add(script, REMOVED, a[i]);
	for (size_t j = 0; j < b_count; j++)
		add(script, ADDED, b[j]);
}

static void make_script(struct script *script, struct lines a, struct lines b)
{
	size_t head = 0, tail = 0;
	while (head < a.count && head < b.count && str_eq(a.items[head], b.items[head]))
		add(script, SAME, a.items[head++]);
	while (tail + head < a.count && tail + head < b.count &&
	       str_eq(a.items[a.count - 1 - tail], b.items[b.count - 1 - tail]))
		tail++;
	size_t a_count = a.count - head - tail, b_count = b.count - head - tail;
	if (a_count <= TEXT_DIFF_LINES_MAX && b_count <= TEXT_DIFF_LINES_MAX)
		diff_middle(script, a.items + head, a_count, b.items + head, b_count);
	else
		diff_large(script, a.items + head, a_count, b.items + head, b_count);
	for (size_t i = a.count - tail; i < a.count; i++)
		add(script, SAME, a.items[i]);
}

/* One past the last edit of the hunk that begins with the change at `at`: changes with no more than
 * two contexts between them share a hunk. */
static size_t hunk_end(const struct script *script, size_t at)
{
	size_t end = at, same = 0;
	for (; at < script->count && same <= 2 * TEXT_DIFF_CONTEXT; at++) {
		same = script->edits[at].kind == SAME ? same + 1 : 0;
		if (same == 0)
			end = at + 1;
	}
	end += TEXT_DIFF_CONTEXT;
	return end < script->count ? end : script->count;
}

static void print_hunk(const struct script *script, size_t from, size_t end, size_t a_line,
		       size_t b_line, struct buf *buf)
{
	size_t a_count = 0, b_count = 0;
	for (size_t i = from; i < end; i++) {
		a_count += script->edits[i].kind != ADDED;
		b_count += script->edits[i].kind != REMOVED;
	}
	buf_printf(buf, "@@ -%zu,%zu +%zu,%zu @@\n", a_line + (a_count > 0), a_count,
		   b_line + (b_count > 0), b_count);
	for (size_t i = from; i < end; i++) {
		buf_addc(buf, (char)script->edits[i].kind);
		buf_add(buf, script->edits[i].line);
		buf_addc(buf, '\n');
	}
}

static void print_script(const struct script *script, struct buf *buf)
{
	size_t a_line = 0, b_line = 0, done = 0; /* lines before edit `done` */
	for (size_t at = 0; at < script->count; at++) {
		if (script->edits[at].kind == SAME || at < done)
			continue;
		size_t from = at > TEXT_DIFF_CONTEXT ? at - TEXT_DIFF_CONTEXT : 0;
		assert(from >= done); /* nearer changes were taken into the hunk before */
		size_t end = hunk_end(script, at);
		for (; done < from; done++) {
			a_line++; /* everything between hunks is the same on both sides */
			b_line++;
		}
		print_hunk(script, from, end, a_line, b_line, buf);
		for (; done < end; done++) {
			a_line += script->edits[done].kind != ADDED;
			b_line += script->edits[done].kind != REMOVED;
		}
	}
}

void text_diff(struct str before, struct str after, struct buf *buf)
{
	static_assert(TEXT_DIFF_LINES_MAX <= UINT16_MAX, "the table counts lines in 16 bits");
	struct lines a = split(before), b = split(after);
	struct script script = { .edits = mem_alloc((a.count + b.count + 1) * sizeof *script.edits) };
	make_script(&script, a, b);
	assert(script.count <= a.count + b.count);
	print_script(&script, buf);
	mem_free(script.edits);
	mem_free(a.items);
	mem_free(b.items);
}
