/* api_call.h: the end of a call, for api.c only; handlers use api_priv.h. */
#pragma once

#include "api/api_priv.h"

/* Hands the written JSON over as the answer; as CSV when that was asked for. */
void api_answer(struct api_call *call);
