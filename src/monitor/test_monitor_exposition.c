/* test_monitor_exposition.c: one look as samples. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "monitor/check_exposition.h"
#include "wire/exposition.h"

/* As our own reader finds it: "name{labels} value" a line, in the order of the text. */
static enum err print(void *context, const struct exposition_item *item, struct error *err)
{
	struct buf *out = context;
	(void)err;
	if (item->kind != EXPOSITION_SAMPLE)
		return OK;
	buf_printf(out, STR_FMT, STR_ARG(item->name));
	for (size_t i = 0; i < item->count; i++)
		buf_printf(out, "|" STR_FMT "=" STR_FMT, STR_ARG(item->labels[i].name), STR_ARG(item->labels[i].value));
	buf_printf(out, " %g\n", item->value);
	return OK;
}

static const char *samples_of(const struct check_kind *kind, const struct check_result *result, struct buf *out)
{
	struct exposition_options options = { .format = EXPOSITION_TEXT };
	cleanup_buf struct buf text;
	struct error err;
	buf_init(&text, CHECK_EXPOSITION_BYTES_MAX);
	buf_init(out, CHECK_EXPOSITION_BYTES_MAX);
	check_exposition(kind, result, &text);
	CHECK_INT(exposition_read(buf_str(&text), &options, print, out, &err), OK);
	return out->used > 0 ? out->bytes : "";
}

TEST(what_could_not_be_seen_has_no_samples)
{
	cleanup_buf struct buf out;
	struct check_result result = { .blind = true, .reason = "no permission" };
	CHECK_STR(str_of(samples_of(&check_icmp, &result, &out)), "");
}

TEST(a_request_says_status_phases_and_when_its_certificate_ends)
{
	cleanup_buf struct buf out;
	struct check_result result = { .good = true, .status = 204, .address = "2001:db8::1", .certificated = true,
				       .not_after = 1800000000 * TIME_SECOND,
				       .timings = { .dns = 1000, .connect = 2000, .tls = 3000, .first_byte = 4000, .total = 15000 } };
	CHECK_STR(str_of(samples_of(&check_http, &result, &out)),
		   "probe_success 1\nprobe_duration_seconds 0.015\nprobe_dns_lookup_time_seconds 0.001\nprobe_ip_protocol 6\n"
		   "probe_http_status_code 204\nprobe_http_duration_seconds|phase=resolve 0.001\n"
		   "probe_http_duration_seconds|phase=connect 0.002\nprobe_http_duration_seconds|phase=tls 0.003\n"
		   "probe_http_duration_seconds|phase=processing 0.004\nprobe_http_duration_seconds|phase=transfer 0.005\n"
		   "probe_http_ssl 1\nprobe_ssl_earliest_cert_expiry 1.8e+09\n");
}

TEST(the_figures_of_a_plugin_are_samples_whatever_their_labels)
{
	cleanup_buf struct buf out;
	struct check_result result = {
		.latency = 2 * TIME_SECOND,
		.detail = "{\"plugin\":{\"figures\":[{\"label\":\"a \\\"b\\\"\\\\\",\"unit\":\"MiB\",\"value\":12.5},"
			  "{\"label\":\"unknown\",\"unit\":\"\",\"value\":null},{\"label\":\"n\",\"unit\":\"\",\"value\":3}]}}",
	};
	CHECK_STR(str_of(samples_of(&check_command, &result, &out)),
		   "probe_success 0\nprobe_duration_seconds 2\nprobe_perfdata|label=a \"b\"\\|unit=MiB 12.5\nprobe_perfdata|label=n|unit= 3\n");
}

TEST(a_journey_says_how_long_each_step_took_that_it_reached)
{
	cleanup_buf struct buf out;
	struct check_result result = {
		.timings = { .total = 500 * TIME_MS },
		.detail = "{\"journey\":{\"steps\":[{\"name\":\"sign in\",\"took_ms\":200.5},{\"name\":\"buy\",\"took_ms\":0}]}}",
	};
	CHECK_STR(str_of(samples_of(&check_journey, &result, &out)),
		   "probe_success 0\nprobe_duration_seconds 0.5\nprobe_step_duration_seconds|step=sign in 0.2005\n");
}

TESTS(RUN(what_could_not_be_seen_has_no_samples), RUN(a_request_says_status_phases_and_when_its_certificate_ends),
      RUN(the_figures_of_a_plugin_are_samples_whatever_their_labels),
      RUN(a_journey_says_how_long_each_step_took_that_it_reached))
