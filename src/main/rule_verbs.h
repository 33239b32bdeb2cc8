/* rule_verbs.h: rule files of Prometheus on this machine, without a server: are they right, and do their tests pass. */
#pragma once

#include <stdbool.h>

#include "cli/verb.h"

int run_check_rules(const struct verb *verb, int argc, char **argv); /* after "check-config" */
int run_test_rules(const struct verb *verb, int argc, char **argv);  /* after "test" */

bool check_rule_file(const char *path); /* says what it finds as `check-config rules` does */
