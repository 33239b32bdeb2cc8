/*
 * clock.h: THE clock. The only place that asks what time it is.
 *
 * Two readings: the wall (what people and calendars mean; it may jump) and the time since boot
 * (what waiting means; it counts through suspend and never jumps). A world gets one `struct clock`
 * and passes instants on; rooms never see it.
 */
#pragma once

#include "base/time.h"

struct clock {
	time_us (*wall)(struct clock *clock);
	time_us (*since_boot)(struct clock *clock);
	time_us manual_wall, manual_boot; /* the manual clock's own */
};

void clock_system(struct clock *clock);               /* CLOCK_REALTIME and CLOCK_BOOTTIME */
void clock_manual(struct clock *clock, time_us wall); /* stands still until it is moved */
void clock_advance(struct clock *clock, time_us by);  /* manual only: both readings; by >= 0 */
void clock_step(struct clock *clock, time_us by);     /* manual only: the wall alone jumps */

time_us clock_wall(struct clock *clock);
time_us clock_since_boot(struct clock *clock);
