/* backup_verbs.h: `mainstay backup` and `mainstay restore`. */
#pragma once

#include "cli/verb.h"

int run_backup(const struct verb *verb, int argc, char **argv);
int run_restore(const struct verb *verb, int argc, char **argv);
