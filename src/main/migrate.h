/*
 * migrate.h: `mainstay migrate`: everything that a store holds, into an empty one of either engine.
 *
 *     lock both ends -> source as declared? target empty? -> copy in one transaction -> same counts of
 *     rows, same root of the journal -> COMMIT
 *
 * All or nothing: until the last line says ok, the target is empty. The source is only read. Keys and
 * files of the data folder stay where they are.
 */
#pragma once

#include "main/verbs.h"

int run_migrate(const struct verb *verb, int argc, char **argv);
