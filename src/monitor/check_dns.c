/* check_dns.c: one question to a name server, and what it answers held against what is wanted. */
#include <stdio.h>
#include <strings.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "wire/dns_ask.h"
#include "wire/doc.h"
#include "wire/json_writer.h"

#define NXDOMAIN 3u

struct dns_spec {
	char *name, *resolver; /* resolver NULL: the system's */
	uint16_t type;
	bool wants_none; /* NXDOMAIN is what is good */
	bool exact;      /* no other answers */
	unsigned count;
	char *answers[DNS_ANSWERS_MAX];
};

struct dns_run {
	const struct check_spec *spec;
	struct dns_ask *ask;
	probe_done_fn *done;
	void *context;
};

/* Letters may be of any case, and a name may end in its dot or not. */
static bool same(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	la -= la > 1 && a[la - 1] == '.';
	lb -= lb > 1 && b[lb - 1] == '.';
	return la == lb && strncasecmp(a, b, la) == 0;
}

static bool is_answered(const struct dns_answer *answer, const char *wanted)
{
	for (unsigned i = 0; i < answer->count; i++)
		if (same(answer->texts[i], wanted))
			return true;
	return false;
}

static bool is_wanted(const struct dns_spec *own, const char *text)
{
	for (unsigned i = 0; i < own->count; i++)
		if (same(own->answers[i], text))
			return true;
	return false;
}

static void judge_answers(const struct dns_spec *own, const struct dns_answer *answer,
                          struct check_result *result)
{
	const char *type = dns_type_name(own->type);
	for (unsigned i = 0; i < own->count; i++) {
		if (is_answered(answer, own->answers[i]))
			continue;
		probe_fail(result, "%s of \"%.100s\" is not \"%.100s\"%s%.60s", type, own->name,
		           own->answers[i], answer->count > 0 ? " but " : "",
		           answer->count > 0 ? answer->texts[0] : "");
		return;
	}
	for (unsigned i = 0; own->exact && own->count > 0 && i < answer->count; i++) {
		if (is_wanted(own, answer->texts[i]))
			continue;
		probe_fail(result, "%s of \"%.100s\" is also \"%.100s\", which is not expected", type,
		           own->name, answer->texts[i]);
		return;
	}
	if (answer->count == 0)
		probe_fail(result, "\"%.100s\" has no %s record", own->name, type);
	else if (answer->count == 1)
		snprintf(result->reason, sizeof result->reason, "%s %.200s", type, answer->texts[0]);
	else
		snprintf(result->reason, sizeof result->reason, "%s %.150s and %u more", type,
		         answer->texts[0], answer->count - 1);
}

static void judge(const struct dns_spec *own, const struct dns_answer *answer,
                  struct check_result *result)
{
	result->status = 0;
	if (own->wants_none && answer->code == NXDOMAIN)
		snprintf(result->reason, sizeof result->reason, "there is no such name, as it should be");
	else if (own->wants_none)
		probe_fail(result, "\"%.100s\" exists, and should not (%s)", own->name,
		           dns_code_name(answer->code));
	else if (answer->code == NXDOMAIN)
		probe_fail(result, "there is no name \"%.150s\" (NXDOMAIN)", own->name);
	else if (answer->code != 0)
		probe_fail(result, "the name server says %s (%u)", dns_code_name(answer->code), answer->code);
	else
		judge_answers(own, answer, result);
}

static void write_detail(const struct dns_ask_result *asked, struct buf *out)
{
	char server[ADDRESS_TEXT_BYTES];
	struct json_writer json;
	address_format(&asked->server, server);
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "dns");
	json_map_begin(&json);
	json_field_cstr(&json, "server", server);
	json_field_cstr(&json, "code", dns_code_name(asked->answer->code));
	json_field_bool(&json, "over_tcp", asked->over_tcp);
	json_field_int(&json, "ttl", asked->answer->ttl_least);
	json_key(&json, "answers");
	json_list_begin(&json);
	for (unsigned i = 0; i < asked->answer->count && out->used < CHECK_DETAIL_BYTES_MAX / 2; i++)
		json_cstr(&json, asked->answer->texts[i]);
	json_list_end(&json);
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

static void on_answer(void *context, const struct dns_ask_result *asked, const struct error *err)
{
	struct dns_run *run = context;
	struct check_result result = { .good = true, .latency = asked->took };
	cleanup_buf struct buf detail;
	buf_init(&detail, CHECK_DETAIL_BYTES_MAX);
	if (err != NULL) {
		result.latency = 0;
		probe_fail(&result, "%s", err->text);
	} else {
		judge(run->spec->own, asked->answer, &result);
		write_detail(asked, &detail);
		result.detail = detail.full ? NULL : detail.bytes;
	}
	run->done(run->context, &result);
	mem_free(run);
}

static enum err dns_start(const struct probe_tools *tools, const struct check_spec *spec,
                          probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	const struct dns_spec *own = spec->own;
	struct dns_ask_tools ask = { .loop = tools->loop, .clock = tools->clock, .resolve = tools->resolve,
	                             .random = tools->random, .policy = tools->policy };
	struct dns_ask_request request = { .name = str_of(own->name), .type = own->type,
	                                   .server = own->resolver, .port = spec->port,
	                                   .timeout = spec->timeout };
	struct dns_run *run = mem_alloc(sizeof *run);
	*run = (struct dns_run){ .spec = spec, .done = done, .context = context };
	enum err r = dns_ask_start(&ask, &request, on_answer, run, &run->ask, err);
	if (r != OK) {
		mem_free(run);
		return r;
	}
	*ret_run = run;
	return OK;
}

static void dns_cancel(void *context)
{
	struct dns_run *run = context;
	dns_ask_cancel(&run->ask);
	mem_free(run);
}

static void dns_forget(void *context)
{
	struct dns_spec *own = context;
	for (unsigned i = 0; i < own->count; i++)
		mem_free(own->answers[i]);
	mem_free(own->name);
	mem_free(own->resolver);
	mem_free(own);
}

static enum err dns_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	uint8_t query[DNS_QUERY_BYTES_MAX];
	size_t size;
	struct dns_spec *own = spec->own = mem_alloc(sizeof *own);
	const struct doc_node *answers = doc_get(doc, "answers");
	own->name = monitor_spec_text(doc_get(doc, "query"));
	own->resolver = monitor_spec_text(doc_get(doc, "resolver"));
	own->type = dns_type_find(doc_text(doc_get(doc, "record"), "A"));
	own->wants_none = str_is(doc_text(doc_get(doc, "code"), ""), "NXDOMAIN");
	own->exact = str_is(doc_text(doc_get(doc, "match"), ""), "exact");
	for (size_t i = 0; i < doc_count(answers) && own->count < DNS_ANSWERS_MAX; i++) {
		own->answers[own->count] = monitor_spec_text(doc_at(answers, i));
		own->count += own->answers[own->count] != NULL;
	}
	if (own->name == NULL || own->type == 0)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it does not say what to ask",
		                 spec->name);
	return dns_query_write(str_of(own->name), own->type, 0, query, &size, err);
}

static void dns_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	const struct dns_spec *own = spec->own;
	snprintf(ret_text, size, "%s %s%s%s", dns_type_name(own->type), own->name,
	         own->resolver != NULL ? " at " : "", own->resolver != NULL ? own->resolver : "");
}

const struct check_kind check_dns = {
	.name = "dns",
	.anywhere = true,
	.read = dns_read,
	.forget = dns_forget,
	.target = dns_target,
	.start = dns_start,
	.cancel = dns_cancel,
};
