/* scrape_verbs.h: what Prometheus scrapes and how it is told to, looked at on this machine without a server. */
#pragma once

#include "cli/verb.h"

int run_check_metrics(const struct verb *verb, int argc, char **argv); /* after "check-config" */
int run_check_scrape_config(const struct verb *verb, int argc, char **argv);
int run_check_targets(const struct verb *verb, int argc, char **argv);
