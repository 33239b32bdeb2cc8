/*
 * test_oncall_property.c: random schedules in difficult zones. The lists are compared with a second
 * way to compute the same that knows no pieces and no guesses: it walks from the anchor, turn by
 * turn, and asks every window of every day.
 */
#include "base/random.h"
#include "oncall/test_oncall_help.h"

#define ROUNDS 120
#define LAYERS 3
#define SPAN (21 * TIME_DAY)

static const char *const zones[] = {
	"America/New_York", "Europe/London", "Europe/Dublin", "Australia/Lord_Howe", "America/Havana",
	"Africa/Casablanca", "Africa/Cairo", "Antarctica/Troll", "America/Santiago", "Asia/Kolkata",
	"Pacific/Chatham", "UTC",
};
/* Weeks in which some of these zones change their clocks. */
static const char *const centres[] = { "2026-03-08T12:00:00", "2026-03-29T01:00:00",
				       "2026-02-15T02:00:00", "2026-04-05T00:00:00",
				       "2026-10-25T01:00:00", "2026-11-01T06:00:00",
				       "2026-10-04T00:00:00", "2026-10-29T21:00:00" };

struct made {
	int64_t users[LAYERS][4];
	struct schedule_window windows[LAYERS][3];
	struct schedule_layer layers[LAYERS];
	struct schedule_override overrides[6];
	struct schedule_spec spec;
};

static int64_t below(struct random *random, uint64_t bound)
{
	return (int64_t)random_below(random, bound);
}

static void make_layer(struct random *random, struct made *made, size_t i, time_us near)
{
	static const int every_max[] = { 30, 9, 3, 2 };
	struct schedule_layer *layer = &made->layers[i];
	*layer = (struct schedule_layer){
		.priority = (int)below(random, 3) - 1,
		.unit = (enum schedule_unit)below(random, 4),
		.start = near - near % TIME_DAY - below(random, 60) * TIME_DAY,
		.hand_over = below(random, 96) * 15 * TIME_MINUTE,
		.users = made->users[i],
		.user_count = 1 + random_below(random, 4),
		.windows = made->windows[i],
		.window_count = random_below(random, 4),
		.turns = (enum schedule_turns)below(random, 2),
	};
	layer->every = 1 + (int)below(random, (uint64_t)every_max[layer->unit]);
	layer->elapsed = layer->unit != SCHEDULE_MONTH && layer->turns == SCHEDULE_TURNS_CALENDAR &&
			 below(random, 3) == 0;
	for (size_t k = 0; k < 4; k++)
		made->users[i][k] = 1 + below(random, 5);
	for (size_t k = 0; k < 3; k++) {
		time_us from = below(random, 48) * 30 * TIME_MINUTE;
		time_us to = below(random, 49) * 30 * TIME_MINUTE;
		made->windows[i][k] = (struct schedule_window){ (uint8_t)(1 + below(random, 127)), from,
								to == from ? from + 30 * TIME_MINUTE : to };
	}
}

static struct schedule *make(struct random *random, struct world *world, struct made *made,
			     time_us near, size_t override_count)
{
	size_t layer_count = 1 + random_below(random, LAYERS);
	for (size_t i = 0; i < layer_count; i++)
		make_layer(random, made, i, near);
	for (size_t i = 0; i < override_count; i++) {
		time_us from = near - SPAN / 2 + below(random, SPAN / TIME_MINUTE) * TIME_MINUTE;
		made->overrides[i] = (struct schedule_override){
			.id = (int64_t)i + 1, .from = from,
			.until = from + (1 + below(random, 2000)) * TIME_MINUTE,
			.user = 1 + below(random, 5), .replaces = below(random, 6),
			.force = below(random, 4) == 0,
		};
	}
	const char *zone = zones[random_below(random, sizeof zones / sizeof zones[0])];
	made->spec = (struct schedule_spec){ STR("random"), world_zone(world, zone), made->layers,
					     layer_count, made->overrides, override_count };
	struct schedule *schedule = NULL;
	struct error err;
	CHECK_OK(schedule_create(&world->arena, &made->spec, &schedule, &err));
	return schedule;
}

/* --- the second way ------------------------------------------------------------------------- */

static time_us slow_wall(const struct schedule_layer *layer, int64_t turn)
{
	static const time_us length[] = { TIME_HOUR, TIME_DAY, 7 * TIME_DAY };
	if (layer->unit != SCHEDULE_MONTH)
		return layer->start + layer->hand_over + turn * layer->every * length[layer->unit];
	struct time_civil civil = time_civil_of(layer->start + layer->hand_over);
	int day = civil.day;
	for (int64_t i = 0; i < turn * layer->every; i++)
		if (++civil.month > 12) {
			civil.month = 1;
			civil.year++;
		}
	int last = time_days_in_month(civil.year, civil.month);
	civil.day = day < last ? day : last;
	return time_of_civil(&civil);
}

static time_us slow_start(const struct schedule_spec *spec, const struct schedule_layer *layer,
			  int64_t turn)
{
	static const time_us length[] = { TIME_HOUR, TIME_DAY, 7 * TIME_DAY };
	if (!layer->elapsed)
		return tz_first(spec->tz, slow_wall(layer, turn));
	return tz_first(spec->tz, layer->start + layer->hand_over) +
	       turn * layer->every * length[layer->unit];
}

/* Every minute of a turn would be too slow; windows here begin and end on half hours. */
static bool slow_covered(const struct schedule_layer *layer, int64_t turn)
{
	time_us until = slow_wall(layer, turn + 1);
	for (time_us wall = slow_wall(layer, turn); wall < until; wall += 15 * TIME_MINUTE) {
		time_us day = wall - wall % TIME_DAY, clock = wall % TIME_DAY;
		for (size_t i = 0; i < layer->window_count; i++) {
			const struct schedule_window *w = &layer->windows[i];
			bool today = w->days >> time_civil_of(day).weekday & 1;
			bool before = w->days >> time_civil_of(day - TIME_DAY).weekday & 1;
			bool over = w->to < w->from;
			if (today && clock >= w->from && (over || clock < w->to))
				return true;
			if (before && over && clock < w->to)
				return true;
		}
	}
	return false;
}

static bool slow_open(const struct schedule_spec *spec, const struct schedule_layer *layer,
		      time_us at)
{
	time_us wall = tz_wall_of(spec->tz, at);
	for (int d = -5; d <= 5; d++) {
		time_us day = wall - wall % TIME_DAY + d * TIME_DAY;
		for (size_t i = 0; i < layer->window_count; i++) {
			const struct schedule_window *w = &layer->windows[i];
			time_us to = day + w->to + (w->to < w->from) * TIME_DAY;
			if ((w->days >> time_civil_of(day).weekday & 1) != 0 &&
			    at >= tz_first(spec->tz, day + w->from) && at < tz_last(spec->tz, to))
				return true;
		}
	}
	return layer->window_count == 0;
}

/* The turns of one layer, walked from the anchor. `at` only grows. */
struct walk {
	int64_t turn, place;
};

static int64_t slow_user(const struct schedule_spec *spec, size_t i, struct walk *walk, time_us at)
{
	const struct schedule_layer *layer = &spec->layers[i];
	if (at < slow_start(spec, layer, 0))
		return 0;
	while (slow_start(spec, layer, walk->turn + 1) <= at) {
		bool counts = layer->turns == SCHEDULE_TURNS_CALENDAR || layer->window_count == 0 ||
			      slow_covered(layer, walk->turn);
		walk->place += counts;
		walk->turn++;
	}
	if (!slow_open(spec, layer, at))
		return 0;
	return layer->users[(size_t)walk->place % layer->user_count];
}

#define USERS 6 /* 1..5 */

static void slow_layers(const struct schedule_spec *spec, struct walk *walks, time_us at, bool *on)
{
	int best = -100;
	for (size_t i = 0; i < spec->layer_count; i++) {
		int64_t user = slow_user(spec, i, &walks[i], at);
		if (user == 0 || spec->layers[i].priority < best)
			continue;
		if (spec->layers[i].priority > best)
			memset(on, 0, USERS * sizeof *on);
		best = spec->layers[i].priority;
		on[user] = true;
	}
}

/* Overrides are in order of their ids here, so the last that fits is the newest. */
static void slow_overrides(const struct schedule_spec *spec, time_us at, bool *on)
{
	bool base[USERS], any = false;
	memcpy(base, on, sizeof base);
	for (int64_t user = 1; user < USERS; user++)
		any = any || base[user];
	memset(on, 0, USERS * sizeof *on);
	for (int64_t user = 1; user < USERS; user++) {
		int64_t stands = user;
		for (size_t i = 0; i < spec->override_count; i++) {
			const struct schedule_override *o = &spec->overrides[i];
			if (at >= o->from && at < o->until &&
			    (o->replaces == user || o->replaces == 0))
				stands = o->user;
		}
		if (base[user])
			on[stands] = true;
	}
	int64_t taker = 0;
	for (size_t i = 0; i < spec->override_count; i++) {
		const struct schedule_override *o = &spec->overrides[i];
		if (at < o->from || at >= o->until)
			continue;
		if (o->replaces == 0)
			taker = o->user;
		if (o->force && !base[o->replaces])
			on[o->user] = true;
	}
	if (!any && taker != 0)
		on[taker] = true;
}

static void compare(const struct oncall_list *list, size_t *index, time_us at, const bool *wanted,
		    uint64_t seed)
{
	while (*index < list->segment_count && list->segments[*index].until <= at)
		(*index)++;
	const struct oncall_segment *now =
		*index < list->segment_count ? &list->segments[*index] : NULL;
	bool found[USERS] = { false };
	if (now != NULL && now->from <= at)
		for (size_t i = 0; i < now->count; i++)
			found[now->people[i].user] = true;
	for (int user = 1; user < USERS; user++) {
		char text[TIME_TEXT_BYTES];
		time_format(at, text);
		if (found[user] != wanted[user])
			fail_msg("seed %llu at %s: user %d: wanted %d, found %d",
				 (unsigned long long)seed, text, user, wanted[user], found[user]);
	}
}

TEST(a_list_equals_what_every_minute_alone_says)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct world *world = world_begin();
		struct random random;
		random_seeded(&random, seed);
		struct made made;
		time_us near = utc(centres[random_below(&random, 8)]);
		struct schedule *schedule =
			make(&random, world, &made, near, random_below(&random, 7));
		struct oncall_list list;
		struct error err;
		time_us from = near - SPAN / 4, until = near + SPAN / 4;
		CHECK_OK(oncall_segments(schedule, from, until, ONCALL_JOIN_PEOPLE, &world->arena,
					 &list, &err));
		struct walk walks[LAYERS] = { 0 };
		size_t index = 0;
		time_us step = seed % 10 == 0 ? TIME_MINUTE : 15 * TIME_MINUTE;
		for (time_us at = from; at < until; at += step) {
			bool on[USERS] = { false };
			slow_layers(&made.spec, walks, at, on);
			slow_overrides(&made.spec, at, on);
			compare(&list, &index, at, on, seed);
		}
		world_end(world);
	}
}

TEST(lists_and_gaps_fill_the_window_exactly_and_never_touch_when_equal)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world *world = world_begin();
		struct random random;
		random_seeded(&random, seed * 31);
		struct made made;
		time_us near = utc(centres[random_below(&random, 8)]);
		struct schedule *schedule =
			make(&random, world, &made, near, random_below(&random, 7));
		struct oncall_list list;
		struct error err;
		time_us from = near - SPAN / 2 + below(&random, 1000000), until = near + 6 * SPAN;
		CHECK_OK(oncall_segments(schedule, from, until, ONCALL_JOIN_PEOPLE, &world->arena,
					 &list, &err));
		time_us sum = 0, gaps = 0;
		for (size_t i = 0; i < list.segment_count; i++) {
			CHECK(list.segments[i].from < list.segments[i].until);
			CHECK(i == 0 || list.segments[i - 1].until <= list.segments[i].from);
			sum += list.segments[i].until - list.segments[i].from;
		}
		for (size_t i = 0; i < list.gap_count; i++) {
			CHECK(list.gaps[i].from < list.gaps[i].until);
			CHECK(i == 0 || list.gaps[i - 1].until < list.gaps[i].from);
			gaps += list.gaps[i].until - list.gaps[i].from;
		}
		CHECK_INT(sum, until - from - gaps);
		world_end(world);
	}
}

TEST(what_is_expanded_from_now_equals_what_is_expanded_from_the_anchor)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct world *world = world_begin();
		struct random random;
		random_seeded(&random, seed * 77);
		struct made made;
		time_us near = utc(centres[random_below(&random, 8)]);
		struct schedule *schedule = make(&random, world, &made, near, 3);
		struct oncall_list whole, part;
		struct error err;
		time_us from = near - 70 * TIME_DAY, until = near + SPAN;
		time_us now = from + below(&random, (uint64_t)(until - from));
		CHECK_OK(oncall_segments(schedule, from, until, ONCALL_JOIN_SHIFT, &world->arena,
					 &whole, &err));
		CHECK_OK(oncall_segments(schedule, now, until, ONCALL_JOIN_SHIFT, &world->arena,
					 &part, &err));
		size_t skip = 0;
		while (skip < whole.segment_count && whole.segments[skip].until <= now)
			skip++;
		CHECK_INT(part.segment_count, whole.segment_count - skip);
		for (size_t i = 0; i < part.segment_count; i++) {
			const struct oncall_segment *a = &whole.segments[skip + i],
						    *b = &part.segments[i];
			CHECK_INT(b->from, a->from > now ? a->from : now);
			CHECK_INT(b->until, a->until);
			CHECK_INT(b->count, a->count);
			for (size_t k = 0; k < a->count; k++) {
				CHECK_INT(a->people[k].user, b->people[k].user);
				CHECK_INT(a->people[k].override, b->people[k].override);
				CHECK_INT(a->people[k].layer, b->people[k].layer);
				CHECK_INT(a->people[k].shift, b->people[k].shift);
			}
		}
		world_end(world);
	}
}

TEST(a_kept_answer_says_what_a_fresh_one_says)
{
	struct world *world = world_begin();
	struct random random;
	random_seeded(&random, 5);
	struct made made;
	time_us near = utc(centres[0]);
	struct schedule *schedule = make(&random, world, &made, near, 6);
	struct oncall_answer kept = { 0 }, fresh;
	for (unsigned i = 0; i < 20000; i++) {
		time_us at = near - SPAN + below(&random, 2 * SPAN);
		oncall_at_kept(schedule, at, &kept);
		oncall_at(schedule, at, &fresh);
		CHECK_INT(kept.count, fresh.count);
		CHECK(kept.from <= at && kept.until > at);
		for (size_t k = 0; k < fresh.count; k++)
			CHECK_INT(kept.people[k].user, fresh.people[k].user);
	}
	world_end(world);
}

TESTS(RUN(a_list_equals_what_every_minute_alone_says),
      RUN(lists_and_gaps_fill_the_window_exactly_and_never_touch_when_equal),
      RUN(what_is_expanded_from_now_equals_what_is_expanded_from_the_anchor),
      RUN(a_kept_answer_says_what_a_fresh_one_says))
