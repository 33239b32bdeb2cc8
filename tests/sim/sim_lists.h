/* sim_lists.h: every list that can be asked as of an earlier event, as text. */
#pragma once

#include "base/buf.h"
#include "sim.h"

/* Reads at whatever seq the connection stands. */
enum err sim_lists(struct store_conn *conn, struct arena *arena, struct buf *out, struct error *err);
