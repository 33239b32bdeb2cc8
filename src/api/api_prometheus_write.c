/*
 * api_prometheus_write.c: POST write: samples by remote write 1.0 and 2.0.
 *
 * What is answered decides what a sender does: 400 and 415, and it drops the body; 5xx, and it sends it again. So only
 * what may work later is 5xx: the disk is full, the log is still being read. How much was kept is said in any case.
 */
#include <string.h>

#include "api/api_handlers.h"
#include "api/api_prometheus.h"
#include "base/log.h"

#define PROTO_1 "prometheus.WriteRequest"
#define PROTO_2 "io.prometheus.write.v2.Request"

static bool is_same(struct str text, const char *wanted)
{
	return text.len == strlen(wanted) && strncasecmp(text.ptr, wanted, text.len) == 0;
}

/* application/x-protobuf;proto=NAME; without a header as of 1.0, which early senders left out. */
static bool read_type(const struct api_call *call, enum remote_write_version *ret_version)
{
	struct str type, part, rest, name, value;
	*ret_version = REMOTE_WRITE_1;
	if (!http_request_header(call->request, "Content-Type", &type))
		return true;
	str_cut(type, ';', &part, &rest);
	if (!is_same(str_trim(part), "application/x-protobuf"))
		return false;
	while (rest.len > 0) {
		str_cut(rest, ';', &part, &rest);
		str_cut(str_trim(part), '=', &name, &value);
		if (!is_same(str_trim(name), "proto"))
			continue;
		value = str_trim(value);
		if (!str_is(value, PROTO_1) && !str_is(value, PROTO_2))
			return false;
		*ret_version = str_is(value, PROTO_2) ? REMOTE_WRITE_2 : REMOTE_WRITE_1;
	}
	return true;
}

static bool is_snappy(const struct api_call *call)
{
	struct str coding;
	return !http_request_header(call->request, "Content-Encoding", &coding) || is_same(coding, "snappy");
}

/* One line for people: senders write it into their log. */
static enum err answer(struct api_call *call, int status, const char *text)
{
	buf_reset(&call->out);
	if (text != NULL)
		buf_printf(&call->out, "%s\n", text);
	call->status = status;
	call->content_type = text != NULL ? "text/plain; charset=utf-8" : "";
	if (status == 503)
		api_header(call, "Retry-After", "%d", 5);
	return OK;
}

static void tell_written(struct api_call *call, const struct sample_intake_told *told)
{
	api_header(call, "X-Prometheus-Remote-Write-Samples-Written", "%zu", told->samples);
	api_header(call, "X-Prometheus-Remote-Write-Histograms-Written", "0");
	api_header(call, "X-Prometheus-Remote-Write-Exemplars-Written", "0");
}

enum err api_prometheus_write(struct api_call *call, struct error *err)
{
	const struct api_metrics *metrics = call->api->options.metrics;
	struct sample_intake_told told = { 0 };
	enum remote_write_version version;
	struct error why = { .code = OK };
	(void)err;
	store_read_end(call->conn); /* nothing more is read there, and the disk may take its time */
	enum err r = api_metrics_hold(call, &why);
	if (r == OK && !read_type(call, &version)) {
		tell_written(call, &told);
		return answer(call, 415, "the body is no application/x-protobuf;proto=" PROTO_1 " or " PROTO_2);
	}
	if (r == OK && !is_snappy(call)) {
		tell_written(call, &told);
		return answer(call, 415, "the body is not packed by snappy: Content-Encoding: snappy");
	}
	if (r == OK)
		r = sample_intake_take(metrics->intake, call->request->body, version,
				       call->now / 1000, &told, &why);
	tell_written(call, &told);
	if (r == OK)
		return answer(call, 204, NULL);
	if (r == ERR_TOO_LARGE || r == ERR_INVALID)
		return answer(call, 400, why.text);
	return answer(call, 503, why.text);
}
