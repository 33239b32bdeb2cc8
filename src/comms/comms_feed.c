/* comms_feed.c: a page as Atom (RFC 4287) and RSS 2.0: one entry for each update, with a name that stays. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "comms/comms_page.h"
#include "wire/markdown.h"

struct entry {
	const struct comms_page_incident *incident;
	const struct comms_page_update *update;
};

/* XML 1.0 knows no control characters, not even escaped. */
static void add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		switch (c) {
		case '<': buf_adds(out, "&lt;"); break;
		case '>': buf_adds(out, "&gt;"); break;
		case '&': buf_adds(out, "&amp;"); break;
		case '"': buf_adds(out, "&quot;"); break;
		default:
			if (c >= ' ' || c == '\n' || c == '\t')
				buf_addc(out, (char)c);
		}
	}
}

static void element(struct buf *out, const char *name, struct str text)
{
	buf_printf(out, "<%s>", name);
	add_escaped(out, text);
	buf_printf(out, "</%s>\n", name);
}

static int newest_first(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	return a->update->at > b->update->at ? -1 : a->update->at < b->update->at;
}

static size_t collect(const struct comms_page_incident *rows, size_t count, struct entry *entries, size_t used, size_t max)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t u = 0; u < rows[i].update_count && used < max; u++)
			entries[used++] = (struct entry){ &rows[i], &rows[i].updates[u] };
	}
	return used;
}

#define COLLECTED_MAX 4096u

static size_t entries_of(const struct comms_page *page, struct entry *ret_entries)
{
	size_t count = collect(page->incidents, page->incident_count, ret_entries, 0, COLLECTED_MAX);
	count = collect(page->maintenances, page->maintenance_count, ret_entries, count, COLLECTED_MAX);
	qsort(ret_entries, count, sizeof ret_entries[0], newest_first);
	return count < COMMS_FEED_ENTRIES_MAX ? count : COMMS_FEED_ENTRIES_MAX;
}

static const char *state_words(struct str state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "investigating", "Investigating" }, { "identified", "Identified" }, { "monitoring", "Monitoring" },
		{ "resolved", "Resolved" }, { "scheduled", "Scheduled" }, { "in_progress", "In progress" },
		{ "verifying", "Verifying" }, { "completed", "Completed" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (str_is(state, rows[i].state))
			return rows[i].words;
	}
	return "Update";
}

static void add_title(struct buf *out, const struct entry *entry)
{
	buf_printf(out, "<title>%s: ", state_words(entry->update->state));
	add_escaped(out, entry->incident->name);
	buf_adds(out, "</title>\n");
}

static void add_html(struct buf *out, const struct entry *entry)
{
	cleanup_buf struct buf html;
	buf_init(&html, 1u << 20);
	if (markdown_html(entry->update->text, 3, &html, NULL) == OK)
		add_escaped(out, buf_str(&html));
}

static void add_url(struct buf *out, const char *url)
{
	add_escaped(out, str_of(url));
}

void comms_feed_atom(const struct comms_page *page, const char *url, struct buf *out)
{
	struct entry *entries = mem_alloc(COLLECTED_MAX * sizeof *entries);
	size_t count = entries_of(page, entries);
	char at[TIME_TEXT_BYTES];
	time_format(count > 0 ? entries[0].update->at : page->made, at);
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
	element(out, "title", page->title);
	buf_adds(out, "<id>");
	add_url(out, url);
	buf_adds(out, "</id>\n<link rel=\"self\" href=\"");
	add_url(out, url);
	buf_adds(out, "/history.atom\"/>\n<link rel=\"alternate\" type=\"text/html\" href=\"");
	add_url(out, url);
	buf_printf(out, "\"/>\n<updated>%s</updated>\n<author>", at);
	element(out, "name", page->brand);
	buf_adds(out, "</author>\n");
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = &entries[i];
		char edited[TIME_TEXT_BYTES];
		time_format(entry->update->at, at);
		time_format(entry->update->edited != TIME_NONE ? entry->update->edited : entry->update->at, edited);
		buf_adds(out, "<entry>\n");
		add_title(out, entry);
		buf_adds(out, "<id>");
		add_url(out, url);
		buf_printf(out, "/incidents/%s#%s</id>\n<link rel=\"alternate\" type=\"text/html\" href=\"",
			   entry->incident->id, entry->update->id);
		add_url(out, url);
		buf_printf(out, "/incidents/%s#%s\"/>\n<published>%s</published>\n<updated>%s</updated>\n"
			   "<content type=\"html\">", entry->incident->id, entry->update->id, at, edited);
		add_html(out, entry);
		buf_adds(out, "</content>\n</entry>\n");
	}
	buf_adds(out, "</feed>\n");
	mem_free(entries);
}

/* RFC 822 with four digits of the year, as RSS 2.0 says. */
static void rfc822(time_us at, char ret_text[40])
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct time_civil civil = time_civil_of(at);
	int64_t day = time_days_from_civil(civil.year, civil.month, civil.day);
	snprintf(ret_text, 40, "%s, %02d %s %d %02d:%02d:%02d GMT", days[(day % 7 + 7) % 7], civil.day,
		 months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

void comms_feed_rss(const struct comms_page *page, const char *url, struct buf *out)
{
	struct entry *entries = mem_alloc(COLLECTED_MAX * sizeof *entries);
	size_t count = entries_of(page, entries);
	char at[40];
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		      "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>\n");
	element(out, "title", page->title);
	buf_adds(out, "<link>");
	add_url(out, url);
	buf_adds(out, "</link>\n<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"");
	add_url(out, url);
	buf_adds(out, "/history.rss\"/>\n");
	element(out, "description", page->about.len > 0 ? page->about : page->title);
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = &entries[i];
		rfc822(entry->update->at, at);
		buf_adds(out, "<item>\n");
		add_title(out, entry);
		buf_adds(out, "<link>");
		add_url(out, url);
		buf_printf(out, "/incidents/%s#%s</link>\n<guid isPermaLink=\"true\">", entry->incident->id,
			   entry->update->id);
		add_url(out, url);
		buf_printf(out, "/incidents/%s#%s</guid>\n<pubDate>%s</pubDate>\n<description>", entry->incident->id,
			   entry->update->id, at);
		add_html(out, entry);
		buf_adds(out, "</description>\n</item>\n");
	}
	buf_adds(out, "</channel>\n</rss>\n");
	mem_free(entries);
}
