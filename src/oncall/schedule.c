/* schedule.c: see schedule.h. Checks what people wrote, copies it, and counts closed turns once. */
#include "oncall/schedule.h"

#include <assert.h>
#include <string.h>

#include "oncall/schedule_priv.h"

#define WEEK (7 * TIME_DAY)

const struct schedule_spec *schedule_spec_of(const struct schedule *schedule)
{
	return &schedule->spec;
}

/* Refuses with the field at fault; the sentence follows. */
static enum err refuse(struct error *err, size_t layer, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "cannot use layer %zu: %s", layer + 1, text);
	error_field(err, "layers[%zu].%s", layer, field);
	return ERR_INVALID;
}

static int every_max(enum schedule_unit unit)
{
	static const int max[] = { SCHEDULE_HOURS_MAX, SCHEDULE_DAYS_MAX, SCHEDULE_WEEKS_MAX,
				   SCHEDULE_MONTHS_MAX };
	assert(unit <= SCHEDULE_MONTH);
	return max[unit];
}

static enum err check_rotation(const struct schedule_layer *layer, size_t i, struct error *err)
{
	if (layer->unit > SCHEDULE_MONTH)
		return refuse(err, i, "rotation.unit",
			      "the unit is none of hour, day, week, month");
	if (layer->every < 1 || layer->every > every_max(layer->unit))
		return refuse(err, i, "rotation.every",
			      "a turn is at least one unit and at most a year");
	if (layer->start < SCHEDULE_TIME_MIN || layer->start >= SCHEDULE_TIME_MAX ||
	    layer->start % TIME_DAY != 0)
		return refuse(err, i, "start", "the start date is not between 1971 and 2199");
	if (layer->hand_over < 0 || layer->hand_over >= TIME_DAY)
		return refuse(err, i, "hand_over", "the hand-over is not a time of day");
	if (layer->elapsed && layer->unit == SCHEDULE_MONTH)
		return refuse(err, i, "elapsed", "months are not equally long, so turns of months "
			      "cannot be");
	if (layer->elapsed && layer->turns == SCHEDULE_TURNS_COVERED)
		return refuse(err, i, "turns", "turns of equal length do not keep to the days that "
			      "\"covered\" counts");
	return OK;
}

static enum err check_people(const struct schedule_layer *layer, size_t i, struct error *err)
{
	if (layer->user_count == 0)
		return refuse(err, i, "users", "it has nobody in it");
	if (layer->user_count > SCHEDULE_USERS_MAX || layer->name.len > SCHEDULE_NAME_BYTES_MAX)
		return refuse(err, i, "users",
			      "it has more than 64 people, or a name over 63 bytes");
	for (size_t k = 0; k < layer->user_count; k++)
		if (layer->users[k] <= 0)
			return refuse(err, i, "users", "one of the people is unknown");
	return OK;
}

static enum err check_windows(const struct schedule_layer *layer, size_t i, struct error *err)
{
	if (layer->window_count > SCHEDULE_WINDOWS_MAX)
		return refuse(err, i, "windows", "it has more than 21 windows");
	if (layer->turns > SCHEDULE_TURNS_COVERED)
		return refuse(err, i, "turns", "turns are neither \"calendar\" nor \"covered\"");
	for (size_t k = 0; k < layer->window_count; k++) {
		const struct schedule_window *window = &layer->windows[k];
		if (window->days == 0 || window->days > 0x7F)
			return refuse(err, i, "windows", "a window opens on no day");
		if (window->from < 0 || window->from >= TIME_DAY || window->to < 0 ||
		    window->to > TIME_DAY)
			return refuse(err, i, "windows",
				      "a window opens or closes at no time of day");
		if (window->from == window->to) {
			refuse(err, i, "windows", "a window opens and closes at the same time");
			error_hint(err, "write 00:00 to 24:00 for a whole day");
			return ERR_INVALID;
		}
	}
	return OK;
}

static enum err check_layers(const struct schedule_spec *spec, struct error *err)
{
	if (spec->layer_count > SCHEDULE_LAYERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot use a schedule of more than %u layers",
				 SCHEDULE_LAYERS_MAX);
	for (size_t i = 0; i < spec->layer_count; i++) {
		enum err failed = check_rotation(&spec->layers[i], i, err);
		if (failed == OK)
			failed = check_people(&spec->layers[i], i, err);
		if (failed == OK)
			failed = check_windows(&spec->layers[i], i, err);
		if (failed != OK)
			return failed;
	}
	return OK;
}

static enum err check_overrides(const struct schedule_spec *spec, struct error *err)
{
	size_t forced = 0;
	if (spec->override_count > SCHEDULE_OVERRIDES_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot use more than %u overrides at once",
				 SCHEDULE_OVERRIDES_MAX);
	for (size_t i = 0; i < spec->override_count; i++) {
		const struct schedule_override *override = &spec->overrides[i];
		forced += override->force;
		if (override->id > 0 && override->user > 0 && override->replaces >= 0 &&
		    override->from < override->until)
			continue;
		error_set(err, ERR_INVALID,
			  "cannot use override %zu: it names nobody or ends before "
			  "it begins",
			  i + 1);
		error_field(err, "overrides[%zu]", i);
		return ERR_INVALID;
	}
	if (forced > SCHEDULE_FORCED_MAX)
		return error_set(err, ERR_TOO_LARGE,
				 "cannot use more than %u forced overrides at once",
				 SCHEDULE_FORCED_MAX);
	return OK;
}

/* The same day of the month, `months` later; the last day when the month is shorter (R6). */
static time_us months_later(time_us wall, int64_t months)
{
	struct time_civil civil = time_civil_of(wall);
	int64_t month = civil.year * INT64_C(12) + civil.month - 1 + months;
	civil.year = (int)(month / 12);
	civil.month = (int)(month % 12) + 1;
	int last = time_days_in_month(civil.year, civil.month);
	if (civil.day > last)
		civil.day = last;
	return time_of_civil(&civil);
}

time_us schedule_turn_wall(const struct schedule *schedule, size_t layer, int64_t turn)
{
	assert(layer < schedule->spec.layer_count);
	assert(turn >= 0);
	static const time_us length[] = { TIME_HOUR, TIME_DAY, WEEK };
	const struct schedule_layer *spec = &schedule->spec.layers[layer];
	time_us anchor = schedule->held[layer].anchor_wall;
	if (spec->unit == SCHEDULE_MONTH)
		return months_later(anchor, turn * spec->every);
	return anchor + turn * spec->every * length[spec->unit];
}

/* Whether some window is open by the wall clock at some time in [from, until). */
static bool wall_is_covered(const struct schedule_layer *layer, time_us from, time_us until)
{
	time_us day =
		from - from % TIME_DAY - TIME_DAY; /* a window may reach in from the day before */
	if (until > day + 9 * TIME_DAY)
		until = day +
			9 * TIME_DAY; /* a week and both its neighbours: nothing new comes after */
	for (; day < until; day += TIME_DAY) {
		uint8_t bit = (uint8_t)(1u << time_civil_of(day).weekday);
		for (size_t i = 0; i < layer->window_count; i++) {
			const struct schedule_window *window = &layer->windows[i];
			time_us opens = day + window->from;
			time_us closes =
				day + window->to + (window->to < window->from ? TIME_DAY : 0);
			if ((window->days & bit) != 0 && opens < until && closes > from)
				return true;
		}
	}
	return false;
}

static unsigned greatest_divisor(unsigned a, unsigned b)
{
	while (b != 0) {
		unsigned rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Weeks and months touch every weekday, so they have no closed turn. Days and hours repeat with
 * the week, whatever the clocks do: only the wall decides whether a turn is closed. */
static void count_covered(struct schedule *schedule, size_t i)
{
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	struct schedule_held_layer *held = &schedule->held[i];
	if (layer->turns != SCHEDULE_TURNS_COVERED || layer->window_count == 0 ||
	    layer->unit >= SCHEDULE_WEEK)
		return;
	unsigned week = layer->unit == SCHEDULE_DAY ? 7 : 168;
	held->period = week / greatest_divisor(week, (unsigned)layer->every);
	assert(held->period <= SCHEDULE_PERIOD_MAX);
	for (unsigned turn = 0; turn < held->period; turn++) {
		bool covered = wall_is_covered(layer, schedule_turn_wall(schedule, i, turn),
					       schedule_turn_wall(schedule, i, turn + 1));
		held->covered[turn + 1] = (uint16_t)(held->covered[turn] + covered);
	}
	assert(held->covered[held->period] > 0);
}

static const void *copy(struct arena *arena, const void *from, size_t count, size_t size)
{
	void *to = arena_alloc(arena, count * size + 1);
	if (count > 0)
		memcpy(to, from, count * size);
	return to;
}

static void copy_spec(struct arena *arena, const struct schedule_spec *from,
		      struct schedule_spec *to)
{
	*to = *from;
	to->name = arena_str(arena, from->name);
	struct schedule_layer *layers =
		arena_array(arena, struct schedule_layer, from->layer_count + 1);
	for (size_t i = 0; i < from->layer_count; i++) {
		const struct schedule_layer *layer = &from->layers[i];
		layers[i] = *layer;
		layers[i].name = arena_str(arena, layer->name);
		layers[i].users =
			copy(arena, layer->users, layer->user_count, sizeof *layer->users);
		layers[i].windows =
			copy(arena, layer->windows, layer->window_count, sizeof *layer->windows);
	}
	to->layers = layers;
	to->overrides =
		copy(arena, from->overrides, from->override_count, sizeof *from->overrides);
}

enum err schedule_create(struct arena *arena, const struct schedule_spec *spec,
			 struct schedule **ret_schedule, struct error *err)
{
	assert(spec->tz != NULL);
	if (spec->name.len > SCHEDULE_NAME_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE,
				 "cannot use a schedule whose name is over %u bytes",
				 SCHEDULE_NAME_BYTES_MAX);
	enum err failed = check_layers(spec, err);
	if (failed == OK)
		failed = check_overrides(spec, err);
	if (failed != OK)
		return failed;
	if (arena_room(arena) < SCHEDULE_ARENA_BYTES)
		return error_set(err, ERR_LIMIT, "could not hold one more schedule: the memory set "
				 "aside for this is used up");
	struct schedule *schedule = arena_new(arena, struct schedule);
	copy_spec(arena, spec, &schedule->spec);
	schedule->held = arena_array(arena, struct schedule_held_layer, spec->layer_count + 1);
	for (size_t i = 0; i < spec->layer_count; i++) {
		struct schedule_held_layer *held = &schedule->held[i];
		held->anchor_wall = spec->layers[i].start + spec->layers[i].hand_over;
		held->anchor = tz_first(spec->tz, held->anchor_wall);
		count_covered(schedule, i);
	}
	*ret_schedule = schedule;
	return OK;
}

bool schedule_clock_parse(struct str text, time_us *ret_clock)
{
	int64_t hours, minutes;
	if (text.len != 5 || text.ptr[2] != ':' || !str_int(str_sub(text, 0, 2), 0, 24, &hours) ||
	    !str_int(str_sub(text, 3, 5), 0, 59, &minutes) || (hours == 24 && minutes > 0))
		return false;
	*ret_clock = hours * TIME_HOUR + minutes * TIME_MINUTE;
	return true;
}

bool schedule_date_parse(struct str text, time_us *ret_start)
{
	int64_t year, month, day;
	if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
	    !str_int(str_sub(text, 0, 4), 1971, 2199, &year) ||
	    !str_int(str_sub(text, 5, 7), 1, 12, &month) ||
	    !str_int(str_sub(text, 8, 10), 1, time_days_in_month((int)year, (int)month), &day))
		return false;
	*ret_start = time_days_from_civil((int)year, (int)month, (int)day) * TIME_DAY;
	return true;
}

bool schedule_day_parse(struct str text, uint8_t *ret_bit)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	for (unsigned i = 0; i < 7; i++) {
		if (!str_is(text, days[i]))
			continue;
		*ret_bit = (uint8_t)(1u << i);
		return true;
	}
	return false;
}
