/*
 * guard_throttle.h: password guessing made slow, without locking anybody out.
 *
 *     try 1 2 3   4   5   6  ...  9   10 and more      one try is forgotten every 10 minutes
 *     wait 0 0 0  1 s 2 s 4 s ... 32 s 60 s
 *
 * Counted per account and per address (IPv6: per /64). Whoever signed in from an address before is
 * *known* there: that pair counts alone, so that nobody elsewhere, and nobody beside them behind the
 * same address, can make them wait. A try counts when it begins and is taken back when the password
 * was right, so a hundred tries at once are not a hundred first ones.
 *
 * There is no lock-out: the wait runs from the try before, and whoever lets it pass is let through at
 * once. A handler that cannot wait that long says when to come back and cancels the try, which then
 * neither counts nor makes the next one wait. Only where GUARD_WAITING_MAX tries wait already for the
 * same account or address a further one is refused; never by a known address.
 *
 * Memory: GUARD_THROTTLE_ENTRIES keys; the one unused for longest makes room. Gone with the process.
 * Runs on: any thread (it has a lock and holds it for microseconds). Clock: time since boot, passed.
 */
#pragma once

#include "base/err.h"
#include "base/random.h"
#include "base/time.h"

#define GUARD_THROTTLE_ENTRIES 10000u
#define GUARD_WAITING_MAX 8u
#define GUARD_WAIT_MAX (60 * TIME_SECOND)
#define GUARD_FORGET_ONE (10 * TIME_MINUTE)

struct guard_throttle;

/* One try at a password. The caller keeps it between begin and end. */
struct guard_try {
	uint64_t account, address, pair; /* keys */
	bool known;
	time_us began;
	time_us before[2]; /* when the try before this one began: for a cancelled one */
};

/* `random` gives the key that keeps others from choosing colliding names. entries: 1..., tests use few. */
struct guard_throttle *guard_throttle_create(unsigned entries, struct random *random);
void guard_throttle_destroy(struct guard_throttle **throttle);

/* Before the password is looked at: wait `ret_wait` first, without holding a worker. ERR_LIMIT: too
 * many wait. Every begun try is ended or cancelled. */
enum err guard_try_begin(struct guard_throttle *throttle, struct str email, struct str address,
			 time_us now, struct guard_try *ret_try, time_us *ret_wait, struct error *err);

/* right: the password was. Returns how many wrong tries the account has seen of late; record
 * user.sign_in_failed when guard_try_is_news says so, so that guessing cannot flood the journal. */
unsigned guard_try_end(struct guard_throttle *throttle, const struct guard_try *attempt, bool right,
		       time_us now);
/* The password was not looked at: as if the try had not begun. */
void guard_try_cancel(struct guard_throttle *throttle, const struct guard_try *attempt);
bool guard_try_is_news(unsigned failures); /* 1, 2, 4, 8, ... */
