/* clock.c: see clock.h. */
#include "sys/clock.h"

#include <assert.h>
#include <time.h>

static time_us read_clock(clockid_t id)
{
	struct timespec spec;
	int failed = clock_gettime(id, &spec);
	assert(failed == 0);
	return spec.tv_sec * TIME_SECOND + spec.tv_nsec / 1000;
}

static time_us system_wall(struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_REALTIME);
}

static time_us system_since_boot(struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_BOOTTIME);
}

static time_us manual_wall(struct clock *clock)
{
	return clock->manual_wall;
}

static time_us manual_since_boot(struct clock *clock)
{
	return clock->manual_boot;
}

void clock_system(struct clock *clock)
{
	*clock = (struct clock){ .wall = system_wall, .since_boot = system_since_boot };
}

void clock_manual(struct clock *clock, time_us wall)
{
	*clock = (struct clock){
		.wall = manual_wall,
		.since_boot = manual_since_boot,
		.manual_wall = wall,
		.manual_boot = TIME_HOUR,
	};
}

void clock_advance(struct clock *clock, time_us by)
{
	assert(clock->wall == manual_wall);
	assert(by >= 0);
	clock->manual_wall += by;
	clock->manual_boot += by;
}

void clock_step(struct clock *clock, time_us by)
{
	assert(clock->wall == manual_wall);
	clock->manual_wall += by;
}

time_us clock_wall(struct clock *clock)
{
	return clock->wall(clock);
}

time_us clock_since_boot(struct clock *clock)
{
	return clock->since_boot(clock);
}
