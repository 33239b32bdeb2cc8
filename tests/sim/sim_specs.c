/* sim_specs.c: see sim_specs.h. */
#include "sim_specs.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

static void add_user(struct sim *sim, struct buf *out)
{
	uint64_t number = sim_below(sim, 6); /* also one who has no account yet */
	buf_printf(out, number == 1 ? "\"u%u@localhost\"" : "\"u%u@example.com\"", (unsigned)number);
}

static void add_users(struct sim *sim, unsigned most, struct buf *out)
{
	uint64_t count = 1 + sim_below(sim, most);
	buf_addc(out, '[');
	for (uint64_t i = 0; i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		add_user(sim, out);
	}
	buf_addc(out, ']');
}

static void team_spec(struct sim *sim, struct buf *out)
{
	buf_adds(out, "{\"members\":");
	add_users(sim, 4, out);
	buf_adds(out, "}");
}

static void service_spec(struct sim *sim, struct buf *out)
{
	buf_printf(out, "{\"tier\":%u", 1 + (unsigned)sim_below(sim, 4));
	if (sim_chance(sim, 60))
		buf_printf(out, ",\"team\":\"t%u\"", (unsigned)sim_below(sim, 2));
	if (sim_chance(sim, 70))
		buf_printf(out, ",\"escalation_policy\":\"p%u\"", (unsigned)sim_below(sim, 3));
	buf_adds(out, sim_chance(sim, 50) ? ",\"customers\":true}" : "}");
}

static void check_spec(struct sim *sim, struct buf *out)
{
	buf_adds(out, "{\"kind\":\"tcp\",\"host\":\"shop.example.com\",\"port\":443");
	if (sim_chance(sim, 75))
		buf_printf(out, ",\"service\":\"s%u\"", (unsigned)sim_below(sim, SIM_SERVICES));
	buf_adds(out, sim_chance(sim, 20) ? ",\"urgency\":\"low\"}" : ",\"urgency\":\"high\"}");
}

static void add_layer(struct sim *sim, struct buf *out)
{
	static const char *const units[] = { "hour", "day", "week", "month" };
	static const char *const hours[] = { "00:00", "02:30", "09:00", "01:59", "23:30" };
	buf_printf(out, "{\"priority\":%u,\"rotation\":{\"every\":%u,\"unit\":\"%s\"},",
		   (unsigned)sim_below(sim, 3), 1 + (unsigned)sim_below(sim, 8),
		   units[sim_below(sim, 4)]);
	buf_printf(out, "\"start\":\"2026-0%u-%02u\",\"hand_over\":\"%s\",", 1 + (unsigned)sim_below(sim, 9),
		   1 + (unsigned)sim_below(sim, 28), hours[sim_below(sim, 5)]);
	if (sim_chance(sim, 40))
		buf_printf(out, "\"windows\":[{\"days\":[\"mon\",\"tue\",\"wed\",\"sat\",\"sun\"],"
				"\"from\":\"%s\",\"to\":\"%s\"}],",
			   hours[sim_below(sim, 5)], hours[sim_below(sim, 5)]);
	buf_adds(out, "\"users\":");
	add_users(sim, 4, out);
	buf_adds(out, "}");
}

static void schedule_spec(struct sim *sim, struct buf *out)
{
	static const char *const zones[] = { "Europe/London", "America/New_York", "Australia/Lord_Howe",
					     "Africa/Casablanca", "Asia/Kolkata", "UTC" };
	uint64_t layers = 1 + sim_below(sim, 3);
	buf_printf(out, "{\"time_zone\":\"%s\",\"layers\":[", zones[sim_below(sim, 6)]);
	for (uint64_t i = 0; i < layers; i++) {
		buf_adds(out, i > 0 ? "," : "");
		add_layer(sim, out);
	}
	buf_adds(out, "]}");
}

static void add_targets(struct sim *sim, struct buf *out)
{
	uint64_t count = 1 + sim_below(sim, 2);
	buf_addc(out, '[');
	for (uint64_t i = 0; i < count; i++) {
		buf_adds(out, i > 0 ? "," : "");
		if (sim_chance(sim, 50)) {
			buf_printf(out, "{\"schedule\":\"r%u\"}", (unsigned)sim_below(sim, 2));
		} else if (sim_chance(sim, 70)) {
			buf_adds(out, "{\"user\":");
			add_user(sim, out);
			buf_adds(out, "}");
		} else {
			buf_printf(out, "{\"team\":\"t%u\"}", (unsigned)sim_below(sim, 2));
		}
	}
	buf_addc(out, ']');
}

static void policy_spec(struct sim *sim, struct buf *out)
{
	static const char *const delays[] = { "10s", "1m", "5m", "5m", "15m", "40m", "3h" };
	uint64_t steps = 1 + sim_below(sim, 3);
	buf_printf(out, "{\"rounds\":%u,", 1 + (unsigned)sim_below(sim, 4));
	if (sim_chance(sim, 50))
		buf_printf(out, "\"team\":\"t%u\",", (unsigned)sim_below(sim, 2));
	buf_adds(out, "\"steps\":[");
	for (uint64_t i = 0; i < steps; i++) {
		buf_printf(out, "%s{\"delay\":\"%s\",\"targets\":", i > 0 ? "," : "",
			   delays[sim_below(sim, 7)]);
		add_targets(sim, out);
		buf_adds(out, "}");
	}
	buf_printf(out, "],\"last_resort\":{\"every\":\"%s\"},\"ack_lapse\":\"%s\"}",
		   sim_chance(sim, 50) ? "15m" : "4m", sim_chance(sim, 50) ? "30m" : "10m");
}

static void matrix_spec(struct sim *sim, struct buf *out)
{
	buf_adds(out, sim_chance(sim, 50)
			      ? "{\"cells\":[[\"P1\",\"P1\",\"P2\"],[\"P1\",\"P2\",\"P3\"],"
				"[\"P2\",\"P3\",\"P4\"]]}"
			      : "{\"cells\":[[\"P1\",\"P2\",\"P3\"],[\"P2\",\"P3\",\"P4\"],"
				"[\"P4\",\"P5\",\"P5\"]]}");
}

static const struct kind {
	const char *name, *letter; /* how definitions of it are called: "s0"; NULL: "default" */
	unsigned names;
	void (*spec)(struct sim *sim, struct buf *out);
} kinds[] = {
	{ "Team", "t", 2, team_spec },
	{ "Service", "s", SIM_SERVICES, service_spec },
	{ "Check", "c", SIM_CHECKS, check_spec },
	{ "Schedule", "r", 2, schedule_spec },
	{ "EscalationPolicy", "p", 3, policy_spec },
	{ "EscalationPolicy", NULL, 1, policy_spec },
	{ "PriorityMatrix", NULL, 1, matrix_spec },
};

static void make(struct sim *sim, const struct kind *kind, char ret_spec[SIM_SPEC_BYTES])
{
	cleanup_buf struct buf out;
	buf_init(&out, SIM_SPEC_BYTES - 1);
	kind->spec(sim, &out);
	assert(!out.full);
	memcpy(ret_spec, out.bytes, out.used + 1);
}

void sim_spec(struct sim *sim, const char *name, char ret_spec[SIM_SPEC_BYTES])
{
	size_t i = 0;
	while (strcmp(kinds[i].name, name) != 0)
		i++;
	make(sim, &kinds[i], ret_spec);
}

const char *sim_spec_any(struct sim *sim, char ret_name[16], char ret_spec[SIM_SPEC_BYTES])
{
	const struct kind *kind = &kinds[sim_below(sim, sizeof kinds / sizeof kinds[0])];
	if (kind->letter == NULL)
		snprintf(ret_name, 16, "default");
	else
		snprintf(ret_name, 16, "%s%u", kind->letter, (unsigned)sim_below(sim, kind->names));
	make(sim, kind, ret_spec);
	return kind->name;
}
