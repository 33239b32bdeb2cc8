/* api_params.h: what may stand behind the "?" of a request. For the files of this room. */
#pragma once

#include "api/api_priv.h"

/* Each query parameter is known to the endpoint, there once, and of its type; else ERR_INVALID with its
 * name as the field. A filter that was misspelt must not look like an answer. */
enum err api_params_check(struct api_call *call, struct error *err);
