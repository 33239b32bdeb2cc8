/* oncall.c: see oncall.h. */
#include "oncall/oncall.h"

#include <assert.h>
#include <string.h>

#include "oncall/schedule_priv.h"

#define MONTHS_PER_YEAR 12
/* Days around the one of the wall clock in which a window can open or close that matters now:
 * clocks never went back by more than a day, and a window closes on the next day at the latest. */
#define WINDOW_DAYS 3

_Static_assert(SCHEDULE_LAYERS_MAX + SCHEDULE_FORCED_MAX + 1 <= ONCALL_PEOPLE_MAX,
	       "there is a place for everybody");

/* What one layer says at an instant. */
struct piece {
	time_us from, until;
	int64_t user; /* 0: nobody */
	time_us shift;
};

static time_us later(time_us a, time_us b)
{
	return a > b ? a : b;
}

static time_us earlier(time_us a, time_us b)
{
	return a < b ? a : b;
}

static time_us unit_length(const struct schedule_layer *layer)
{
	static const time_us length[] = { TIME_HOUR, TIME_DAY, 7 * TIME_DAY };
	assert(layer->unit != SCHEDULE_MONTH);
	return length[layer->unit] * layer->every;
}

static time_us turn_start(const struct schedule *schedule, size_t i, int64_t turn)
{
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	if (layer->elapsed)
		return schedule->held[i].anchor + turn * unit_length(layer);
	return tz_first(schedule->spec.tz, schedule_turn_wall(schedule, i, turn));
}

/* Which turn the calendar alone would say; turn_at corrects it by what the clocks did. */
static int64_t turn_near(const struct schedule *schedule, size_t i, time_us at)
{
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	const struct schedule_held_layer *held = &schedule->held[i];
	int64_t turn;
	if (layer->elapsed) {
		turn = (at - held->anchor) / unit_length(layer);
	} else if (layer->unit == SCHEDULE_MONTH) {
		struct time_civil from = time_civil_of(held->anchor_wall);
		struct time_civil to = time_civil_of(tz_wall_of(schedule->spec.tz, at));
		turn = (to.year - from.year) * MONTHS_PER_YEAR + to.month - from.month;
		turn /= layer->every;
	} else {
		turn = (tz_wall_of(schedule->spec.tz, at) - held->anchor_wall) / unit_length(layer);
	}
	return turn > 0 ? turn : 0;
}

/* The last turn that has begun. Starts never fall (tz_first), so walking from the guess ends. Turns
 * that clocks jumped over begin together, and only the last of them lasts (R8). */
static int64_t turn_at(const struct schedule *schedule, size_t i, time_us at, time_us *ret_from,
		       time_us *ret_until)
{
	assert(at >= schedule->held[i].anchor);
	int64_t turn = turn_near(schedule, i, at);
	time_us from = turn_start(schedule, i, turn);
	while (from > at && turn > 0)
		from = turn_start(schedule, i, --turn);
	time_us until = turn_start(schedule, i, turn + 1);
	while (until <= at) {
		from = until;
		turn++;
		until = turn_start(schedule, i, turn + 1);
	}
	*ret_from = from;
	*ret_until = until;
	return turn;
}

static int64_t turn_user(const struct schedule *schedule, size_t i, int64_t turn)
{
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	const struct schedule_held_layer *held = &schedule->held[i];
	int64_t place = turn;
	if (held->period > 0)
		place = turn / held->period * held->covered[held->period] +
			held->covered[turn % held->period];
	return layer->users[place % (int64_t)layer->user_count];
}

/* One opening of a window narrows the piece: around `at` when open, to its edges when closed. */
static void meet_opening(time_us opens, time_us closes, time_us wall, time_us at, bool *open,
			 struct piece *piece)
{
	if (opens >= closes)
		return; /* clocks jumped over it whole */
	if (at < opens) {
		piece->until = earlier(piece->until, opens);
	} else if (at >= closes) {
		piece->from = later(piece->from, closes);
	} else {
		piece->shift = *open ? earlier(piece->shift, wall) : wall;
		piece->from = later(piece->from, opens);
		piece->until = earlier(piece->until, closes);
		*open = true;
	}
}

/* The piece of the windows alone: open or not, with the wall time of the opening as its shift. */
static bool windows_piece(const struct schedule *schedule, size_t i, time_us at,
			  struct piece *ret_piece)
{
	const struct tz *tz = schedule->spec.tz;
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	time_us wall = tz_wall_of(tz, at), today = wall - wall % TIME_DAY;
	struct piece piece = {
		.from = earlier(tz_first(tz, today - TIME_DAY), at),
		.until = later(tz_first(tz, today + 2 * TIME_DAY), at + TIME_MINUTE),
	};
	bool open = false;
	for (int d = -WINDOW_DAYS; d <= WINDOW_DAYS; d++) {
		time_us day = today + d * TIME_DAY;
		uint8_t bit = (uint8_t)(1u << time_civil_of(day).weekday);
		for (size_t k = 0; k < layer->window_count; k++) {
			const struct schedule_window *window = &layer->windows[k];
			if ((window->days & bit) == 0)
				continue;
			time_us from = day + window->from;
			time_us to = day + window->to + (window->to < window->from ? TIME_DAY : 0);
			meet_opening(tz_first(tz, from), tz_last(tz, to), from, at, &open, &piece);
		}
	}
	*ret_piece = piece;
	return open;
}

static struct piece layer_piece(const struct schedule *schedule, size_t i, time_us at)
{
	const struct schedule_layer *layer = &schedule->spec.layers[i];
	struct piece piece = { SCHEDULE_TIME_MIN, schedule->held[i].anchor, 0, 0 };
	if (at < schedule->held[i].anchor)
		return piece;
	int64_t turn = turn_at(schedule, i, at, &piece.from, &piece.until);
	piece.user = turn_user(schedule, i, turn);
	piece.shift = layer->elapsed ? tz_wall_of(schedule->spec.tz, piece.from) :
				       schedule_turn_wall(schedule, i, turn);
	if (layer->window_count == 0)
		return piece;
	struct piece windows;
	if (!windows_piece(schedule, i, at, &windows))
		piece.user = 0;
	else
		piece.shift = later(piece.shift, windows.shift);
	piece.from = later(piece.from, windows.from);
	piece.until = earlier(piece.until, windows.until);
	return piece;
}

static struct oncall_person *find_person(struct oncall_answer *answer, int64_t user)
{
	for (size_t i = 0; i < answer->count; i++)
		if (answer->people[i].user == user)
			return &answer->people[i];
	return NULL;
}

/* Keeps the order by user; who is there already stays as they are. */
static void add_person(struct oncall_answer *answer, struct oncall_person person)
{
	if (find_person(answer, person.user) != NULL)
		return;
	assert(answer->count < ONCALL_PEOPLE_MAX);
	size_t at = answer->count++;
	for (; at > 0 && answer->people[at - 1].user > person.user; at--)
		answer->people[at] = answer->people[at - 1];
	answer->people[at] = person;
}

/* The highest layer with somebody decides, equal ones add up (R9). */
static void ask_layers(const struct schedule *schedule, time_us at, struct oncall_answer *answer)
{
	int highest = 0;
	for (size_t i = 0; i < schedule->spec.layer_count; i++) {
		int priority = schedule->spec.layers[i].priority;
		struct piece piece = layer_piece(schedule, i, at);
		assert(piece.from <= at);
		assert(piece.until > at);
		answer->from = later(answer->from, piece.from);
		answer->until = earlier(answer->until, piece.until);
		if (piece.user == 0 || (answer->count > 0 && priority < highest))
			continue;
		if (priority > highest)
			answer->count = 0;
		highest = priority;
		add_person(answer, (struct oncall_person){ piece.user, 0, (int)i, piece.shift });
	}
}

static bool is_active(const struct schedule_override *override, time_us at)
{
	return at >= override->from && at < override->until;
}

/* The newest active override for `user`, by name or for everybody; NULL: none. `user` 0 asks for
 * those for everybody alone. */
static const struct schedule_override *newest_for(const struct schedule_spec *spec, int64_t user,
						  time_us at)
{
	const struct schedule_override *newest = NULL;
	for (size_t i = 0; i < spec->override_count; i++) {
		const struct schedule_override *override = &spec->overrides[i];
		if (is_active(override, at) &&
		    (override->replaces == 0 || override->replaces == user) &&
		    (newest == NULL || override->id > newest->id))
			newest = override;
	}
	return newest;
}

static struct oncall_person person_of(const struct schedule *schedule,
				      const struct schedule_override *override, int layer)
{
	time_us from = later(override->from, SCHEDULE_TIME_MIN);
	return (struct oncall_person){
		override->user, override->id, layer,
		tz_wall_of(schedule->spec.tz, earlier(from, SCHEDULE_TIME_MAX))};
}

/* Overrides look at the people of the layers only, never at each other's: A to B and B to C at the
 * same time leaves B on call for A, and a swap is simply two overrides (R9). */
static void apply_overrides(const struct schedule *schedule, time_us at,
			    struct oncall_answer *answer)
{
	const struct schedule_spec *spec = &schedule->spec;
	struct oncall_answer base = *answer;
	answer->count = 0;
	for (size_t i = 0; i < base.count; i++) {
		const struct schedule_override *newest = newest_for(spec, base.people[i].user, at);
		add_person(answer, newest == NULL ?
				   base.people[i] :
				   person_of(schedule, newest, base.people[i].layer));
	}
	const struct schedule_override *taken = newest_for(spec, 0, at);
	if (base.count == 0 && taken != NULL)
		add_person(answer, person_of(schedule, taken, ONCALL_LAYER_NONE));
	for (size_t i = 0; i < spec->override_count; i++) {
		const struct schedule_override *override = &spec->overrides[i];
		if (override->force && is_active(override, at) &&
		    find_person(&base, override->replaces) == NULL)
			add_person(answer, person_of(schedule, override, ONCALL_LAYER_NONE));
	}
}

static bool narrow_to_overrides(const struct schedule_spec *spec, time_us at,
				struct oncall_answer *answer)
{
	bool any = false;
	for (size_t i = 0; i < spec->override_count; i++) {
		const struct schedule_override *override = &spec->overrides[i];
		any = any || is_active(override, at);
		if (override->from > at)
			answer->until = earlier(answer->until, override->from);
		else
			answer->from = later(answer->from, override->from);
		if (override->until > at)
			answer->until = earlier(answer->until, override->until);
		else
			answer->from = later(answer->from, override->until);
	}
	return any;
}

void oncall_at(const struct schedule *schedule, time_us at, struct oncall_answer *ret_answer)
{
	ret_answer->count = 0;
	ret_answer->from = at < SCHEDULE_TIME_MIN ? INT64_MIN : SCHEDULE_TIME_MIN;
	ret_answer->until = at < SCHEDULE_TIME_MIN ? SCHEDULE_TIME_MIN : SCHEDULE_TIME_MAX;
	if (at >= SCHEDULE_TIME_MAX) {
		ret_answer->from = SCHEDULE_TIME_MAX;
		ret_answer->until = INT64_MAX;
	}
	if (at < SCHEDULE_TIME_MIN || at >= SCHEDULE_TIME_MAX)
		return;
	ask_layers(schedule, at, ret_answer);
	if (narrow_to_overrides(&schedule->spec, at, ret_answer))
		apply_overrides(schedule, at, ret_answer);
	assert(ret_answer->from <= at);
	assert(ret_answer->until > at);
}

void oncall_at_kept(const struct schedule *schedule, time_us at, struct oncall_answer *answer)
{
	assert(answer->from <= answer->until);
	if (at < answer->from || at >= answer->until)
		oncall_at(schedule, at, answer);
}
