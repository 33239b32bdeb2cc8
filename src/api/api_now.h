/* api_now.h: parts of the first page that other handlers know how to write. */
#pragma once

#include "api/api_priv.h"

/* "checks": {...} and "on_call": [...], keys included. */
enum err api_now_checks(struct api_call *call, struct error *err);
enum err api_now_on_call(struct api_call *call, struct error *err);
