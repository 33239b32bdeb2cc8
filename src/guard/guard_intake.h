/*
 * guard_intake.h: how often somebody outside may write to us: a report, a subscription.
 *
 *     each address (IPv6: each /64)   `burst` at once, then one every `every`
 *     all of them together            `all_burst` at once, then one every `all_every`
 *
 * Who is refused is told when to come back; nothing waits and nothing is written. Memory: GUARD_INTAKE_SLOTS
 * addresses; two that fall on one slot share it only in turns, so neither is ever kept out by the other, and
 * what one address more would let through is bounded by what all of them may.
 *
 * Runs on: any thread (it has a lock and holds it for microseconds). Clock: time since boot, passed.
 */
#pragma once

#include "base/random.h"
#include "base/str.h"
#include "base/time.h"

#define GUARD_INTAKE_SLOTS 4096u

struct guard_intake;

struct guard_intake_rule {
	unsigned burst;
	time_us every;
	unsigned all_burst;
	time_us all_every;
};

/* The rule is copied. `random` gives the key that keeps others from choosing slots. */
struct guard_intake *guard_intake_create(const struct guard_intake_rule *rule, struct random *random);
void guard_intake_destroy(struct guard_intake **intake);

enum guard_intake_end { GUARD_INTAKE_TAKEN, GUARD_INTAKE_ADDRESS, GUARD_INTAKE_ALL };

/* Whether one more may come in now, and which limit was reached; `ret_wait` is set unless it was taken. */
enum guard_intake_end guard_intake_take(struct guard_intake *intake, struct str address, time_us now,
					time_us *ret_wait);

/* How many were refused because all together were too many since this was asked last. */
uint64_t guard_intake_refused(struct guard_intake *intake);
