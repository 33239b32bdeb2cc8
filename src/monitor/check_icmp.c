/* check_icmp.c: several pings; how many are lost and how long they take is judged. */
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "wire/doc.h"
#include "wire/json_writer.h"
#include "wire/ping.h"

#define DETAIL_BYTES 512

struct icmp_spec {
	enum ping_family family;
	unsigned packets, loss_warn, loss_fail; /* percent */
};

struct icmp_run {
	const struct check_spec *spec;
	struct ping_run *ping;
	probe_done_fn *done;
	void *context;
};

static void write_ms(struct json_writer *json, const char *key, time_us time)
{
	if (time > 0)
		json_field_real(json, key, (double)time / TIME_MS);
	else
		json_field_null(json, key);
}

static void write_detail(const struct ping_result *ping, struct buf *out)
{
	char address[ADDRESS_TEXT_BYTES];
	struct json_writer json;
	address_format(&ping->address, address);
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "packets");
	json_map_begin(&json);
	json_field_cstr(&json, "address", address);
	json_field_int(&json, "sent", ping->sent);
	json_field_int(&json, "received", ping->received);
	write_ms(&json, "best_ms", ping->best);
	write_ms(&json, "mean_ms", ping->mean);
	write_ms(&json, "worst_ms", ping->worst);
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

static void judge(const struct icmp_spec *own, const struct ping_result *ping,
                  struct check_result *result)
{
	unsigned lost = ping->sent - ping->received;
	unsigned percent = ping->sent > 0 ? lost * 100 / ping->sent : 100;
	double mean = (double)ping->mean / TIME_MS;
	result->latency = ping->mean;
	if (ping->received == 0)
		probe_fail(result, "none of %u packets came back", ping->sent);
	else if (percent >= own->loss_fail)
		probe_fail(result, "%u of %u packets were lost", lost, ping->sent);
	else if (lost > 0 && percent >= own->loss_warn)
		probe_warn(result, "%u of %u packets were lost; the others took %.3g ms", lost, ping->sent,
		           mean);
	else
		snprintf(result->reason, sizeof result->reason, "%u of %u packets came back in %.3g ms",
		         ping->received, ping->sent, mean);
}

static void on_pinged(void *context, const struct ping_result *ping, const struct error *err)
{
	struct icmp_run *run = context;
	struct check_result result = { .good = true };
	cleanup_buf struct buf detail;
	buf_init(&detail, DETAIL_BYTES);
	if (err != NULL && ping->unable) {
		probe_blind(&result, "%s", err->text);
	} else if (err != NULL) {
		probe_fail(&result, "%s", err->text);
	} else {
		judge(run->spec->own, ping, &result);
		write_detail(ping, &detail);
		result.detail = detail.bytes;
	}
	run->done(run->context, &result);
	mem_free(run);
}

static enum err icmp_start(const struct probe_tools *tools, const struct check_spec *spec,
                           probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	const struct icmp_spec *own = spec->own;
	if (tools->ping == NULL)
		return error_set(err, ERR_UNAVAILABLE, "nothing can be pinged from here");
	struct icmp_run *run = mem_alloc(sizeof *run);
	*run = (struct icmp_run){ .spec = spec, .done = done, .context = context };
	struct ping_request request = { .host = spec->host, .family = own->family,
	                                .packets = own->packets, .timeout = spec->timeout };
	enum err r = ping_start(tools->ping, &request, on_pinged, run, &run->ping, err);
	if (r != OK) {
		mem_free(run);
		return r;
	}
	*ret_run = run;
	return OK;
}

static void icmp_cancel(void *context)
{
	struct icmp_run *run = context;
	ping_cancel(&run->ping);
	mem_free(run);
}

static enum err icmp_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	struct str family = doc_text(doc_get(doc, "family"), "any");
	struct icmp_spec own = {
		.family = str_is(family, "ipv6") ? PING_V6 : str_is(family, "ipv4") ? PING_V4 : PING_ANY,
		.packets = (unsigned)doc_int(doc_get(doc, "packets"), 4),
		.loss_warn = (unsigned)doc_int(doc_get(doc, "loss_warn"), 25),
		.loss_fail = (unsigned)doc_int(doc_get(doc, "loss_fail"), 100),
	};
	if (spec->host == NULL || own.packets < 1 || own.packets > PING_PACKETS_MAX ||
	    own.loss_warn > 100 || own.loss_fail < 1 || own.loss_fail > 100)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it has no host, or a number is "
		                 "out of range", spec->name);
	struct icmp_spec *kept = spec->own = mem_alloc(sizeof own);
	*kept = own;
	return OK;
}

static void icmp_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", spec->host);
}

const struct check_kind check_icmp = {
	.name = "icmp",
	.anywhere = true,
	.read = icmp_read,
	.target = icmp_target,
	.start = icmp_start,
	.cancel = icmp_cancel,
};
