/*
 * plugin_output.h: what a Nagios plugin printed, taken apart. Pure.
 *
 *     DISK OK - free space: / 3326 MiB (56%); | /=2643MiB;5948;5958;0;5968
 *     / 15272 MiB (77%);
 *     /boot 68 MiB (69%); | /boot=68MiB;88;93;0;98
 *     /home=69357MiB;253404;253409;0;253414
 *
 * The first line up to '|' is the sentence; what follows on that line is figures. Further lines are long
 * text up to the next '|', and from there on all is figures.
 *
 * A figure is 'label'=value[unit];[warn];[crit];[min];[max]. Ranges are those of the plugin guidelines:
 * "10" alerts outside 0..10, "10:" below 10, "~:10" above 10, "10:20" outside, "@10:20" inside. A figure that
 * breaks the form is left out; the others stand.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "wire/json_writer.h"

#define PLUGIN_FIGURES_MAX 100
#define PLUGIN_LABEL_BYTES 64 /* what is longer is cut */
#define PLUGIN_UNIT_BYTES 8
#define PLUGIN_LONG_BYTES_MAX 8192

struct plugin_range {
	bool given, inside; /* inside: alerts within, not outside */
	double low, high;   /* may be infinite */
};

struct plugin_figure {
	char label[PLUGIN_LABEL_BYTES], unit[PLUGIN_UNIT_BYTES];
	bool known; /* "U" is not */
	double value;
	struct plugin_range warn, crit;
	bool has_min, has_max;
	double min, max;
};

struct plugin_output {
	struct str line;      /* the sentence; empty: it printed nothing */
	struct buf text;      /* the long text; plugin_output_finish frees it */
	unsigned count;
	struct plugin_figure figures[PLUGIN_FIGURES_MAX];
};

/* `printed` must outlive the result. */
void plugin_output_read(struct str printed, struct plugin_output *ret_output);
void plugin_output_finish(struct plugin_output *output);

bool plugin_range_read(struct str text, struct plugin_range *ret_range);
bool plugin_range_alerts(const struct plugin_range *range, double value); /* never when not given */

/* "ok", "warn", "crit" by its own ranges; "unknown" when its value is. */
const char *plugin_figure_state(const struct plugin_figure *figure);

/* A list of {label, value, unit, state, warn, crit, min, max}. */
void plugin_figures_write(const struct plugin_output *output, struct json_writer *json);
