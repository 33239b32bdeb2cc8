/* plan.h: what one evaluation settles before it begins: spans in milliseconds, start() and end(), what never changes. */
#pragma once

#include "promql/eval.h"

void plan_make(struct eval *eval, struct node *root);
