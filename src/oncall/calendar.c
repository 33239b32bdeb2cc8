/* calendar.c: see calendar.h. First the events, then the carrying over, then the writing. */
#include "oncall/calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_BYTES 20u /* 20260308T070000Z */
#define ALARM_BEFORE "-PT15M"
#define REFRESH "PT15M"
#define PARTS_MAX 64u   /* parts of one shift, cut by overrides, that are told apart */
#define PIECES_MAX 400u /* followed to find the end of a shift that the window cuts */

/* With `zulu` the instant in UTC, else the bare digits: good enough to name a wall time. */
static void stamp(time_us at, bool zulu, char ret_text[STAMP_BYTES])
{
	struct time_civil c = time_civil_of(at);
	snprintf(ret_text, STAMP_BYTES, "%04u%02u%02uT%02u%02u%02u%s", (unsigned)c.year % 10000,
		 (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)c.hour % 100,
		 (unsigned)c.minute % 100, (unsigned)c.second % 100, zulu ? "Z" : "");
}

static struct str layer_name(const struct calendar_source *source,
			     const struct oncall_person *person)
{
	if (person->layer == ONCALL_LAYER_NONE)
		return STR_NONE;
	return schedule_spec_of(source->schedule)->layers[person->layer].name;
}

/* A layer without a name is told by its place; its name may hold any letter, so it is hashed. The
 * part tells apart what an override left of one shift on both sides. */
static void make_uid(const struct calendar_source *source, const struct oncall_person *person,
		     unsigned part, char ret_uid[CALENDAR_UID_BYTES])
{
	char shift[STAMP_BYTES], where[48];
	stamp(person->shift, false, shift);
	struct str schedule = schedule_spec_of(source->schedule)->name;
	struct str layer = layer_name(source, person);
	if (person->override != 0)
		snprintf(where, sizeof where, "o%lld", (long long)person->override);
	else if (layer.len > 0)
		snprintf(where, sizeof where, "%016llx", (unsigned long long)str_hash(layer));
	else
		snprintf(where, sizeof where, "l%d", person->layer);
	int used = snprintf(ret_uid, CALENDAR_UID_BYTES, "shift-" STR_FMT "-%s-%lld-%s",
			    STR_ARG(schedule), where, (long long)person->user, shift);
	assert(used > 0);
	assert((size_t)used < CALENDAR_UID_BYTES);
	if (part > 0)
		snprintf(ret_uid + used, CALENDAR_UID_BYTES - (size_t)used, "-%u", part + 1);
}

struct making {
	const struct calendar_source *source;
	struct arena *arena;
	struct calendar_event *events;
	size_t count, size;
	time_us now;
	uint32_t sequence; /* of what changed or is gone */
};

/* Room for one more; NULL at the limit. */
static struct calendar_event *next_event(struct making *making)
{
	if (making->count == CALENDAR_EVENTS_MAX)
		return NULL;
	if (making->count == making->size) {
		size_t size = making->size > 0 ? making->size * 2 : 64;
		struct calendar_event *moved = arena_try(making->arena, size * sizeof *moved);
		if (moved == NULL)
			return NULL;
		if (making->count > 0)
			memcpy(moved, making->events, making->count * sizeof *moved);
		making->events = moved;
		making->size = size;
	}
	return &making->events[making->count++];
}

static struct calendar_event *find_uid(struct making *making, const char *uid)
{
	size_t back = making->count > 4 * PARTS_MAX ? making->count - 4 * PARTS_MAX : 0;
	for (size_t i = making->count; i-- > back;)
		if (strcmp(making->events[i].uid, uid) == 0)
			return &making->events[i];
	return NULL;
}

/* The event that this piece lengthens, or a new one with the first uid that is free. */
static bool add_person(struct making *making, const struct oncall_segment *segment,
		       const struct oncall_person *person)
{
	char uid[CALENDAR_UID_BYTES];
	for (unsigned part = 0; part < PARTS_MAX; part++) {
		make_uid(making->source, person, part, uid);
		struct calendar_event *known = find_uid(making, uid);
		if (known != NULL && known->until == segment->from) {
			known->until = segment->until; /* only the company changed */
			return true;
		}
		if (known != NULL)
			continue;
		struct calendar_event *event = next_event(making);
		if (event == NULL)
			return false;
		struct str name = making->source->user_name(making->source->context, person->user);
		struct str schedule = schedule_spec_of(making->source->schedule)->name;
		*event = (struct calendar_event){ .from = segment->from, .until = segment->until,
						  .user = person->user, .changed = making->now };
		memcpy(event->uid, uid, sizeof uid);
		event->summary = arena_printf(making->arena, "On call: " STR_FMT " (" STR_FMT "%s)",
					      STR_ARG(name), STR_ARG(schedule),
					      person->override != 0 ? ", override" : "");
		return true;
	}
	return false;
}

static int compare_events(const void *a, const void *b)
{
	const struct calendar_event *one = a, *other = b;
	if (one->from != other->from)
		return one->from < other->from ? -1 : 1;
	return strcmp(one->uid, other->uid);
}

static enum err too_large(struct error *err)
{
	error_set(err, ERR_TOO_LARGE, "cannot make a calendar of so many shifts");
	error_hint(err, "ask for the calendar of one person");
	return ERR_TOO_LARGE;
}

/* Where the shifts of `from` began by the calendar: their first parts name the later ones. */
static time_us shifts_begin(const struct schedule *schedule, time_us from)
{
	struct oncall_answer answer;
	time_us begin = from;
	oncall_at(schedule, from, &answer);
	for (size_t i = 0; i < answer.count; i++) {
		time_us start = tz_first(schedule_spec_of(schedule)->tz, answer.people[i].shift);
		begin = start < begin ? start : begin;
	}
	return begin > SCHEDULE_TIME_MIN ? begin : SCHEDULE_TIME_MIN;
}

/* The end of a person's shift that goes on at `until`. */
static time_us shift_end(const struct schedule *schedule, const struct oncall_person *person,
			 time_us until)
{
	for (unsigned piece = 0; piece < PIECES_MAX && until < SCHEDULE_TIME_MAX; piece++) {
		struct oncall_answer answer;
		oncall_at(schedule, until, &answer);
		bool goes_on = false;
		for (size_t i = 0; i < answer.count; i++)
			goes_on = goes_on || (answer.people[i].user == person->user &&
					      answer.people[i].layer == person->layer &&
					      answer.people[i].override == person->override &&
					      answer.people[i].shift == person->shift);
		if (!goes_on)
			return until;
		until = answer.until;
	}
	return until;
}

static bool add_segment(struct making *making, const struct oncall_segment *segment, bool last)
{
	const struct calendar_source *source = making->source;
	for (size_t i = 0; i < segment->count; i++) {
		const struct oncall_person *person = &segment->people[i];
		if (source->user != 0 && person->user != source->user)
			continue;
		struct oncall_segment whole = *segment;
		if (last)
			whole.until = shift_end(source->schedule, person, segment->until);
		if (!add_person(making, &whole, person))
			return false;
	}
	return true;
}

static void drop_before(struct making *making, time_us from)
{
	size_t kept = 0;
	for (size_t i = 0; i < making->count; i++)
		if (making->events[i].until > from)
			making->events[kept++] = making->events[i];
	making->count = kept;
}

enum err calendar_events(const struct calendar_source *source, time_us from, time_us until,
			 time_us now, struct arena *arena, struct calendar_event **ret_events,
			 size_t *ret_count, struct error *err)
{
	assert(source->user_name != NULL);
	struct making making = { .source = source, .arena = arena, .now = now };
	struct oncall_list list;
	time_us begin = from < until ? shifts_begin(source->schedule, from) : from;
	enum err failed = oncall_segments(source->schedule, begin, until, ONCALL_JOIN_SHIFT, arena,
					  &list, err);
	if (failed != OK)
		return failed;
	for (size_t i = 0; i < list.segment_count; i++)
		if (!add_segment(&making, &list.segments[i], list.segments[i].until == until))
			return too_large(err);
	drop_before(&making, from);
	if (making.count > 0)
		qsort(making.events, making.count, sizeof making.events[0], compare_events);
	*ret_events = making.events;
	*ret_count = making.count;
	return OK;
}

/* --- carrying over ---------------------------------------------------------------------------- */

static int compare_uids(const void *a, const void *b)
{
	const struct calendar_event *const *one = a, *const *other = b;
	return strcmp((*one)->uid, (*other)->uid);
}

static const struct calendar_event **by_uid(struct arena *arena,
					    const struct calendar_event *events, size_t count)
{
	const struct calendar_event **order = arena_try(arena, (count + 1) * sizeof *order);
	for (size_t i = 0; order != NULL && i < count; i++)
		order[i] = &events[i];
	if (order != NULL && count > 0)
		qsort(order, count, sizeof *order, compare_uids);
	return order;
}

static uint32_t higher(const struct making *making, const struct calendar_event *was)
{
	return was->sequence < making->sequence ? making->sequence : was->sequence + 1;
}

static struct calendar_event carried(const struct making *making, const struct calendar_event *was,
				     const struct calendar_event *is)
{
	struct calendar_event event = *is;
	bool same = was->from == is->from && was->until == is->until && !was->cancelled &&
		    str_eq(was->summary, is->summary);
	event.sequence = same ? was->sequence : higher(making, was);
	event.changed = same ? was->changed : making->now;
	return event;
}

static bool add_cancelled(struct making *making, const struct calendar_event *was,
			  time_us window_from)
{
	bool over = was->until <= window_from;
	if (was->cancelled ? was->until + CALENDAR_PAST <= making->now : over)
		return true;
	struct calendar_event *event = next_event(making);
	if (event == NULL)
		return false;
	*event = *was;
	if (was->cancelled)
		return true;
	event->cancelled = true;
	event->sequence = higher(making, was);
	event->changed = making->now;
	return true;
}

/* Two lists in order of uid, walked together. */
enum err calendar_carry(const struct calendar_event *published, size_t published_count,
			const struct calendar_event *fresh, size_t fresh_count, uint32_t sequence,
			time_us window_from, time_us now, struct arena *arena, struct calendar_event **ret_events,
			size_t *ret_count, struct error *err)
{
	struct making making = { .arena = arena, .now = now, .sequence = sequence };
	const struct calendar_event **was = by_uid(arena, published, published_count);
	const struct calendar_event **is = by_uid(arena, fresh, fresh_count);
	if (was == NULL || is == NULL)
		return too_large(err);
	for (size_t w = 0, i = 0; w < published_count || i < fresh_count;) {
		int order = w == published_count ? 1 :
			    i == fresh_count	 ? -1 :
						   strcmp(was[w]->uid, is[i]->uid);
		bool fits = true;
		if (order < 0) {
			fits = add_cancelled(&making, was[w++], window_from);
		} else {
			struct calendar_event *event = next_event(&making);
			fits = event != NULL;
			if (fits)
				*event = order == 0 ? carried(&making, was[w], is[i]) : *is[i];
			w += order == 0;
			i++;
		}
		if (!fits)
			return too_large(err);
	}
	if (making.count > 0)
		qsort(making.events, making.count, sizeof making.events[0], compare_events);
	*ret_events = making.events;
	*ret_count = making.count;
	return OK;
}

/* --- writing ------------------------------------------------------------------------------- */

/* One content line, folded: no more than 75 bytes each, never inside a character (3.1). */
static void write_line(struct buf *buf, struct str line)
{
	size_t room = CALENDAR_LINE_BYTES;
	while (line.len > room) {
		size_t cut = room;
		while (cut > 0 && ((unsigned char)line.ptr[cut] & 0xC0) == 0x80)
			cut--;
		if (cut == 0)
			cut = room; /* not UTF-8: does not happen, and must not loop */
		buf_add(buf, str_sub(line, 0, cut));
		buf_adds(buf, "\r\n ");
		line = str_sub(line, cut, line.len);
		room = CALENDAR_LINE_BYTES - 1; /* the blank that begins the line counts */
	}
	buf_add(buf, line);
	buf_adds(buf, "\r\n");
}

static void write_plain(struct buf *buf, const char *line)
{
	write_line(buf, str_of(line));
}

/* TEXT of 3.3.11. */
static void escape(struct buf *line, struct str text)
{
	bool utf8 = str_is_utf8(text);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if (byte == '\n')
			buf_adds(line, "\\n");
		else if (byte == '\\' || byte == ';' || byte == ',')
			buf_printf(line, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7F)
			buf_addc(line, ' ');
		else
			buf_addc(line, !utf8 && byte >= 0x80 ? '?' : (char)byte);
	}
}

#define TEXT_BYTES_MAX 4096u

static void write_text(struct buf *buf, const char *property, struct str text)
{
	cleanup_buf struct buf line;
	buf_init(&line, TEXT_BYTES_MAX);
	buf_adds(&line, property);
	escape(&line, str_sub(text, 0, TEXT_BYTES_MAX / 4));
	assert(!line.full);
	write_line(buf, buf_str(&line));
}

static void write_stamp(struct buf *buf, const char *property, time_us at)
{
	char text[STAMP_BYTES];
	stamp(at, true, text);
	buf_printf(buf, "%s%s\r\n", property, text);
}

static void write_event(struct buf *buf, const struct calendar_event *event)
{
	assert(event->from < event->until);
	write_plain(buf, "BEGIN:VEVENT");
	write_text(buf, "UID:", str_of(event->uid));
	write_stamp(buf, "DTSTAMP:", event->changed);
	write_stamp(buf, "LAST-MODIFIED:", event->changed);
	buf_printf(buf, "SEQUENCE:%u\r\n", (unsigned)event->sequence);
	write_stamp(buf, "DTSTART:", event->from);
	write_stamp(buf, "DTEND:", event->until);
	write_text(buf, "SUMMARY:", event->summary);
	write_plain(buf, event->cancelled ? "STATUS:CANCELLED" : "STATUS:CONFIRMED");
	write_plain(buf, "TRANSP:TRANSPARENT");
	if (!event->cancelled) {
		write_plain(buf, "BEGIN:VALARM");
		write_plain(buf, "ACTION:DISPLAY");
		write_text(buf, "DESCRIPTION:", event->summary);
		write_plain(buf, "TRIGGER:" ALARM_BEFORE);
		write_plain(buf, "END:VALARM");
	}
	write_plain(buf, "END:VEVENT");
}

enum err calendar_write(const struct calendar_head *head, const struct calendar_event *events,
			size_t count, struct buf *buf, struct error *err)
{
	write_plain(buf, "BEGIN:VCALENDAR");
	write_plain(buf, "PRODID:-//Mainstay//On-call//EN");
	write_plain(buf, "VERSION:2.0");
	write_plain(buf, "CALSCALE:GREGORIAN");
	write_plain(buf, "METHOD:PUBLISH");
	write_text(buf, "X-WR-CALNAME:", head->name);
	write_text(buf, "X-WR-TIMEZONE:", head->time_zone);
	write_plain(buf, "REFRESH-INTERVAL;VALUE=DURATION:" REFRESH);
	write_plain(buf, "X-PUBLISHED-TTL:" REFRESH);
	for (size_t i = 0; i < count; i++)
		write_event(buf, &events[i]);
	write_plain(buf, "END:VCALENDAR");
	return buf->full ? too_large(err) : OK;
}
