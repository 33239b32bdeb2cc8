/* paging_spec.c: the kinds Schedule and EscalationPolicy: their rows, and what they mean. */
#include <assert.h>
#include <string.h>

#include "oncall/paging_priv.h"
#include "resource/definition.h"


static const char *const units[] = { "hour", "day", "week", "month", NULL };
static const char *const turn_modes[] = { "calendar", "covered", NULL };
static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL };

static const struct spec_field rotation_fields[] = {
	{ .name = "every", .type = SPEC_INT, .min = 1, .max = 8784, .otherwise = "1",
	  .about = "How many units one turn lasts." },
	{ .name = "unit", .type = SPEC_CHOICE, .choices = units, .otherwise = "week",
	  .about = "What a turn is counted in." },
	{ .name = NULL },
};
static const struct spec_field day = { .name = "day", .type = SPEC_CHOICE, .choices = day_names,
				       .about = "A day of the week." };
static const struct spec_field window_fields[] = {
	{ .name = "days", .type = SPEC_LIST, .item = &day, .min = 1, .max = 7, .flags = SPEC_UNIQUE,
	  .otherwise = "[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\"]",
	  .about = "The days on which it opens." },
	{ .name = "from", .type = SPEC_CLOCK, .flags = SPEC_REQUIRED, .about = "When it opens." },
	{ .name = "to", .type = SPEC_CLOCK, .flags = SPEC_REQUIRED, .max = TIME_DAY,
	  .about = "When it closes; when not later than it opens, on the next day." },
	{ .name = NULL },
};
static const struct spec_field window = { .name = "window", .type = SPEC_OBJECT,
					  .fields = window_fields,
					  .about = "When somebody of this layer is on call." };
static const struct spec_field person = { .name = "user", .type = SPEC_EMAIL,
					  .about = "The e-mail address of a person." };
static const struct spec_field layer_fields[] = {
	{ .name = "name", .type = SPEC_TEXT, .max = 100, .about = "What people call the layer." },
	{ .name = "priority", .type = SPEC_INT, .min = -1000, .max = 1000, .otherwise = "1",
	  .about = "A layer of higher priority replaces lower ones; equal ones add up." },
	{ .name = "rotation", .type = SPEC_OBJECT, .fields = rotation_fields,
	  .otherwise = "{\"every\":1,\"unit\":\"week\"}", .about = "How long a turn lasts." },
	{ .name = "start", .type = SPEC_DATE, .flags = SPEC_REQUIRED,
	  .about = "The day on which the first person's turn begins." },
	{ .name = "hand_over", .type = SPEC_CLOCK, .otherwise = "09:00",
	  .about = "The time of day, on the wall of the zone, at which turns change." },
	{ .name = "users", .type = SPEC_LIST, .item = &person, .min = 1, .max = 64,
	  .flags = SPEC_REQUIRED, .about = "Who takes turns, in order." },
	{ .name = "windows", .type = SPEC_LIST, .item = &window, .max = 21,
	  .about = "Restricts the layer to these times; always when absent." },
	{ .name = "turns", .type = SPEC_CHOICE, .choices = turn_modes, .otherwise = "calendar",
	  .about = "Whether a turn on a closed day is lost (calendar) or waits (covered)." },
	{ .name = "elapsed", .type = SPEC_BOOL, .otherwise = "false",
	  .about = "Turns of equal length instead of wall times." },
	{ .name = NULL },
};
static const struct spec_field layer = { .name = "layer", .type = SPEC_OBJECT,
					 .fields = layer_fields, .about = "A rotation of people." };

const struct spec_field paging_schedule_spec[] = {
	{ .name = "display", .type = SPEC_TEXT, .max = 100, .about = "What people call it." },
	{ .name = "time_zone", .type = SPEC_ZONE, .otherwise = "UTC",
	  .about = "The zone in which hand-over times are meant." },
	{ .name = "layers", .type = SPEC_LIST, .item = &layer, .min = 1, .max = SCHEDULE_LAYERS_MAX,
	  .flags = SPEC_REQUIRED, .about = "The rotations, one above the other." },
	{ .name = NULL },
};

static const struct spec_field target_fields[] = {
	{ .name = "schedule", .type = SPEC_NAME, .refers = PAGING_SCHEDULE,
	  .about = "Whoever is on call there when the step comes." },
	{ .name = "user", .type = SPEC_EMAIL, .about = "This person." },
	{ .name = "team", .type = SPEC_NAME, .refers = "Team", .about = "Everybody of this team." },
	{ .name = NULL },
};
static const struct spec_field target = { .name = "target", .type = SPEC_OBJECT,
					  .fields = target_fields, .about = "Who is paged." };
static const struct spec_field step_fields[] = {
	{ .name = "delay", .type = SPEC_DURATION, .min = ESCALATION_DELAY_MIN,
	  .max = ESCALATION_DELAY_MAX, .otherwise = "5m",
	  .about = "How long to wait for an answer before the next step." },
	{ .name = "targets", .type = SPEC_LIST, .item = &target, .min = 1,
	  .max = ESCALATION_TARGETS_MAX, .flags = SPEC_REQUIRED, .about = "Who is paged." },
	{ .name = NULL },
};
static const struct spec_field step = { .name = "step", .type = SPEC_OBJECT, .fields = step_fields,
					.about = "One step of the policy." };
static const struct spec_field last_fields[] = {
	{ .name = "every", .type = SPEC_DURATION, .min = TIME_MINUTE, .max = ESCALATION_SILENCE_MAX,
	  .otherwise = "15m", .about = "How often, until somebody answers." },
	{ .name = "targets", .type = SPEC_LIST, .item = &target, .max = ESCALATION_TARGETS_MAX,
	  .about = "Who is paged besides the team." },
	{ .name = NULL },
};

const struct spec_field paging_policy_spec[] = {
	{ .name = "display", .type = SPEC_TEXT, .max = 100, .about = "What people call it." },
	{ .name = "team", .type = SPEC_NAME, .refers = "Team",
	  .about = "The team that is paged as a whole when nobody has answered." },
	{ .name = "rounds", .type = SPEC_INT, .min = 1, .max = ESCALATION_ROUNDS_MAX, .otherwise = "3",
	  .about = "How often the steps are gone through before everyone is paged." },
	{ .name = "steps", .type = SPEC_LIST, .item = &step, .min = 1, .max = ESCALATION_STEPS_MAX,
	  .flags = SPEC_REQUIRED, .about = "Who is paged, one after the other." },
	{ .name = "last_resort", .type = SPEC_OBJECT, .fields = last_fields,
	  .otherwise = "{\"every\":\"15m\"}", .about = "What happens when nobody has answered." },
	{ .name = "ack_lapse", .type = SPEC_DURATION, .min = TIME_MINUTE, .max = ESCALATION_ACK_MAX,
	  .otherwise = "30m", .about = "How long an acknowledgement holds before \"still on it?\" is asked." },
	{ .name = NULL },
};

/* ---- targets and policies ---- */

static void check_targets(const struct doc_node *targets, const char *path,
			  struct spec_errors *errors)
{
	for (size_t i = 0; i < doc_count(targets); i++) {
		if (doc_count(doc_at(targets, i)) != 1)
			spec_error(errors, doc_at(targets, i), path,
				   "a target is one schedule, one user or one team");
	}
}

void paging_policy_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	const struct doc_node *steps = doc_get(spec, "steps");
	for (size_t i = 0; i < doc_count(steps); i++)
		check_targets(doc_get(doc_at(steps, i), "targets"), "steps", errors);
	check_targets(doc_get(doc_get(spec, "last_resort"), "targets"), "last_resort.targets", errors);
}

static time_us duration_or(const struct doc_node *node, time_us otherwise)
{
	time_us duration;
	return duration_parse(doc_text(node, ""), &duration) ? duration : otherwise;
}

/* A person whose account is gone is nobody: the step goes on without them. */
static enum err read_target(struct store_conn *conn, const struct doc_node *node,
			    struct arena *arena, struct escalation_target *ret_target,
			    struct error *err)
{
	struct str schedule = doc_text(doc_get(node, "schedule"), "");
	struct str team = doc_text(doc_get(node, "team"), "");
	if (schedule.len > 0) {
		*ret_target = (struct escalation_target){ ESCALATION_SCHEDULE, 0, schedule };
		return OK;
	}
	if (team.len > 0) {
		*ret_target = (struct escalation_target){ ESCALATION_TEAM, 0, team };
		return OK;
	}
	struct guard_user user = { 0 };
	enum err r = guard_user_by_email(conn, arena, doc_text(doc_get(node, "user"), ""), &user, err);
	*ret_target = (struct escalation_target){ ESCALATION_USER, user.id, STR_NONE };
	return r == ERR_NOT_FOUND ? OK : r;
}

static enum err read_targets(struct store_conn *conn, const struct doc_node *list,
			     struct arena *arena, const struct escalation_target **ret_targets,
			     size_t *ret_count, struct error *err)
{
	size_t count = doc_count(list);
	struct escalation_target *targets = arena_array(arena, struct escalation_target, count);
	for (size_t i = 0; i < count; i++) {
		enum err r = read_target(conn, doc_at(list, i), arena, &targets[i], err);
		if (r != OK)
			return r;
	}
	*ret_targets = targets;
	*ret_count = count;
	return OK;
}

static enum err read_steps(struct store_conn *conn, const struct doc_node *list,
			   struct arena *arena, struct escalation_policy *policy, struct error *err)
{
	policy->step_count = doc_count(list);
	struct escalation_step_spec *steps =
		arena_array(arena, struct escalation_step_spec, policy->step_count);
	policy->steps = steps;
	for (size_t i = 0; i < policy->step_count; i++) {
		const struct doc_node *node = doc_at(list, i);
		steps[i].delay = duration_or(doc_get(node, "delay"), 5 * TIME_MINUTE);
		enum err r = read_targets(conn, doc_get(node, "targets"), arena, &steps[i].targets,
					  &steps[i].target_count, err);
		if (r != OK)
			return r;
	}
	return OK;
}

static const struct escalation_target everybody = { ESCALATION_EVERYBODY, 0, { NULL, 0 } };
static const struct escalation_step_spec one_step = { 5 * TIME_MINUTE, &everybody, 1 };

/* Nobody defined a policy: everybody is paged at once. */
static struct escalation_policy built_in(void)
{
	return (struct escalation_policy){
		.rounds = ESCALATION_ROUNDS_DEFAULT,
		.steps = &one_step,
		.step_count = 1,
		.last_every = ESCALATION_SILENCE_MAX,
		.ack_lapse = ESCALATION_ACK_DEFAULT,
		.ack_lapse_low = ESCALATION_ACK_LOW_DEFAULT,
		.ask_grace = ESCALATION_ASK_DEFAULT,
	};
}

enum err paging_policy(struct store_conn *conn, struct str name, struct arena *arena,
		       struct escalation_policy *ret_policy, bool *ret_built_in, struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(conn, PAGING_POLICY, name, arena, &spec, err);
	if (r != OK)
		return r;
	struct escalation_policy policy = built_in();
	if (spec != NULL) {
		const struct doc_node *last = doc_get(spec, "last_resort");
		policy.team = doc_text(doc_get(spec, "team"), "");
		policy.rounds = (unsigned)doc_int(doc_get(spec, "rounds"), ESCALATION_ROUNDS_DEFAULT);
		policy.last_every = duration_or(doc_get(last, "every"), ESCALATION_SILENCE_MAX);
		policy.ack_lapse = duration_or(doc_get(spec, "ack_lapse"), ESCALATION_ACK_DEFAULT);
		r = read_steps(conn, doc_get(spec, "steps"), arena, &policy, err);
		if (r == OK)
			r = read_targets(conn, doc_get(last, "targets"), arena, &policy.last_targets,
					 &policy.last_target_count, err);
	}
	if (r != OK)
		return r;
	*ret_built_in = spec == NULL;
	*ret_policy = policy;
	return OK;
}

/* ---- schedules ---- */

static enum schedule_unit unit_of(struct str text)
{
	for (int i = 0; units[i] != NULL; i++) {
		if (str_is(text, units[i]))
			return (enum schedule_unit)i;
	}
	return SCHEDULE_WEEK;
}

static struct schedule_window read_window(const struct doc_node *node)
{
	struct schedule_window result = { 0 };
	const struct doc_node *days = doc_get(node, "days");
	for (size_t i = 0; i < doc_count(days); i++) {
		uint8_t bit;
		if (schedule_day_parse(doc_text(doc_at(days, i), ""), &bit))
			result.days |= bit;
	}
	if (days == NULL)
		result.days = 0x7F;
	schedule_clock_parse(doc_text(doc_get(node, "from"), "00:00"), &result.from);
	schedule_clock_parse(doc_text(doc_get(node, "to"), "24:00"), &result.to);
	return result;
}

static void read_windows(const struct doc_node *list, struct arena *arena,
			 struct schedule_layer *result)
{
	result->window_count = doc_count(list);
	struct schedule_window *windows = arena_array(arena, struct schedule_window,
						      result->window_count);
	for (size_t i = 0; i < result->window_count; i++)
		windows[i] = read_window(doc_at(list, i));
	result->windows = windows;
}

/* Who has no account yet keeps their turn under an id that is nobody's. */
static enum err read_users(struct store_conn *conn, const struct doc_node *list,
			   struct arena *arena, struct schedule_layer *result, struct error *err)
{
	result->user_count = doc_count(list);
	int64_t *users = arena_array(arena, int64_t, result->user_count);
	result->users = users;
	for (size_t i = 0; i < result->user_count; i++) {
		struct guard_user user = { 0 };
		enum err r = guard_user_by_email(conn, arena, doc_text(doc_at(list, i), ""), &user, err);
		if (r != OK && r != ERR_NOT_FOUND)
			return r;
		users[i] = r == OK ? user.id : INT64_MAX - (int64_t)i;
	}
	return OK;
}

static enum err read_layer(struct store_conn *conn, const struct doc_node *node, struct arena *arena,
			   struct schedule_layer *result, struct error *err)
{
	const struct doc_node *rotation = doc_get(node, "rotation");
	*result = (struct schedule_layer){
		.name = doc_text(doc_get(node, "name"), ""),
		.priority = (int)doc_int(doc_get(node, "priority"), 1),
		.unit = unit_of(doc_text(doc_get(rotation, "unit"), "week")),
		.every = (int)doc_int(doc_get(rotation, "every"), 1),
		.elapsed = doc_bool(doc_get(node, "elapsed"), false),
		.turns = str_is(doc_text(doc_get(node, "turns"), ""), "covered") ? SCHEDULE_TURNS_COVERED
										  : SCHEDULE_TURNS_CALENDAR,
	};
	schedule_date_parse(doc_text(doc_get(node, "start"), ""), &result->start);
	schedule_clock_parse(doc_text(doc_get(node, "hand_over"), "09:00"), &result->hand_over);
	read_windows(doc_get(node, "windows"), arena, result);
	return read_users(conn, doc_get(node, "users"), arena, result, err);
}

/* The machine that computes has its own limits; a spec it would refuse is refused here. */
void paging_schedule_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	const struct doc_node *layers = doc_get(spec, "layers");
	for (size_t i = 0; i < doc_count(layers); i++) {
		const struct doc_node *rotation = doc_get(doc_at(layers, i), "rotation");
		static const int64_t most[] = { SCHEDULE_HOURS_MAX, SCHEDULE_DAYS_MAX, SCHEDULE_WEEKS_MAX,
						SCHEDULE_MONTHS_MAX };
		enum schedule_unit unit = unit_of(doc_text(doc_get(rotation, "unit"), "week"));
		if (doc_int(doc_get(rotation, "every"), 1) > most[unit])
			spec_error(errors, rotation, "layers", "a turn of %s%s lasts at most %lld of them",
				   units[unit], "s", (long long)most[unit]);
		bool elapsed = doc_bool(doc_get(doc_at(layers, i), "elapsed"), false);
		if (elapsed && unit == SCHEDULE_MONTH)
			spec_error(errors, rotation, "layers", "turns of months cannot be of equal length");
	}
}

struct overriding {
	struct schedule_override rows[SCHEDULE_OVERRIDES_MAX];
	size_t count;
};

static bool add_override(void *context, const struct paging_override *o)
{
	struct overriding *all = context;
	all->rows[all->count++] = (struct schedule_override){
		.id = o->id, .from = o->from, .until = o->until, .user = o->user, .replaces = o->replaces,
	};
	return all->count < SCHEDULE_OVERRIDES_MAX;
}

enum err paging_schedule(struct store_conn *conn, struct zones *zones, struct str name,
			 struct arena *arena, struct schedule **ret_schedule, struct error *err)
{
	const struct doc_node *doc;
	enum err r = definition_spec(conn, PAGING_SCHEDULE, name, arena, &doc, err);
	if (r != OK)
		return r;
	if (doc == NULL)
		return error_set(err, ERR_NOT_FOUND, "there is no Schedule \"" STR_FMT "\"", STR_ARG(name));
	const struct doc_node *list = doc_get(doc, "layers");
	size_t count = doc_count(list);
	struct schedule_layer *layers = arena_array(arena, struct schedule_layer, count);
	for (size_t i = 0; r == OK && i < count; i++)
		r = read_layer(conn, doc_at(list, i), arena, &layers[i], err);
	struct overriding *overriding = arena_new(arena, struct overriding);
	struct schedule_spec spec = { .name = name, .layers = layers, .layer_count = count };
	if (r == OK)
		r = zones_find(zones, doc_text(doc_get(doc, "time_zone"), "UTC"), &spec.tz, err);
	if (r == OK)
		r = paging_overrides(conn, name, TIME_NONE, arena, add_override, overriding, err);
	if (r != OK)
		return r;
	spec.overrides = overriding->rows;
	spec.override_count = overriding->count;
	return schedule_create(arena, &spec, ret_schedule, err);
}
