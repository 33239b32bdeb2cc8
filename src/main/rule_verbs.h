/* rule_verbs.h: rule files of Prometheus on this machine, without a server: are they right, and do their tests pass. */
#pragma once

#include "cli/verb.h"

int run_check_rules(const struct verb *verb, int argc, char **argv); /* after "check-config" */
int run_test_rules(const struct verb *verb, int argc, char **argv);  /* after "test" */
