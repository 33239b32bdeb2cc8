/* check_exposition.c: see check_exposition.h. */
#include "monitor/check_exposition.h"

#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "wire/doc_json.h"

static void family(struct buf *out, const char *name, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void value(struct buf *out, double number)
{
	buf_addc(out, ' ');
	number_print(number, NUMBER_FORM_JSON, out);
	buf_addc(out, '\n');
}

static void single(struct buf *out, const char *name, const char *help, double number)
{
	family(out, name, help);
	buf_adds(out, name);
	value(out, number);
}

static void label(struct buf *out, char before, const char *name, struct str text)
{
	buf_printf(out, "%c%s=\"", before, name);
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];
		if (byte == '\\' || byte == '"' || byte == '\n')
			buf_addc(out, '\\');
		buf_addc(out, byte == '\n' ? 'n' : byte);
	}
	buf_addc(out, '"');
}

static double seconds(time_us span)
{
	return (double)span / TIME_SECOND;
}

/* ---- of single kinds ---- */

static void phases(const struct check_timings *timings, struct buf *out)
{
	time_us known = timings->dns + timings->connect + timings->tls + timings->first_byte;
	const struct {
		const char *name;
		time_us span;
	} rows[] = { { "resolve", timings->dns }, { "connect", timings->connect }, { "tls", timings->tls },
		     { "processing", timings->first_byte },
		     { "transfer", timings->total > known ? timings->total - known : 0 } };
	family(out, "probe_http_duration_seconds", "How long each phase of the request took.");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_adds(out, "probe_http_duration_seconds");
		label(out, '{', "phase", str_of(rows[i].name));
		buf_addc(out, '}');
		value(out, seconds(rows[i].span));
	}
}

static void steps(const struct doc_node *list, struct buf *out)
{
	bool begun = false;
	for (size_t i = 0; i < doc_count(list); i++) {
		const struct doc_node *took = doc_get(doc_at(list, i), "took_ms");
		if (doc_real(took, 0) <= 0)
			continue; /* it was not reached */
		if (!begun)
			family(out, "probe_step_duration_seconds", "How long each step took.");
		begun = true;
		buf_adds(out, "probe_step_duration_seconds");
		label(out, '{', "step", doc_text(doc_get(doc_at(list, i), "name"), ""));
		buf_addc(out, '}');
		value(out, doc_real(took, 0) / 1000);
	}
}

static void perfdata(const struct doc_node *figures, struct buf *out)
{
	bool begun = false;
	for (size_t i = 0; i < doc_count(figures); i++) {
		const struct doc_node *figure = doc_at(figures, i), *number = doc_get(figure, "value");
		if (!doc_is(number, DOC_INT) && !doc_is(number, DOC_REAL))
			continue; /* the plugin did not know it */
		if (!begun)
			family(out, "probe_perfdata", "Performance data of the plugin.");
		begun = true;
		buf_adds(out, "probe_perfdata");
		label(out, '{', "label", doc_text(doc_get(figure, "label"), ""));
		label(out, ',', "unit", doc_text(doc_get(figure, "unit"), ""));
		buf_addc(out, '}');
		value(out, doc_real(number, 0));
	}
}

static void details(const char *text, struct buf *out)
{
	cleanup_arena struct arena arena;
	const struct doc_node *root;
	arena_init(&arena, 0);
	if (text == NULL || doc_json_parse(str_of(text), &arena, DOC_LIMITS_DEFAULT, NULL, &root, NULL) != OK)
		return;
	steps(doc_get(doc_get(root, "journey"), "steps"), out);
	perfdata(doc_get(doc_get(root, "plugin"), "figures"), out);
}

/* ---- the whole ---- */

void check_exposition(const struct check_kind *kind, const struct check_result *result, struct buf *out)
{
	const struct check_timings *timings = &result->timings;
	if (result->blind)
		return;
	single(out, "probe_success", "Whether what was looked at is good.", result->good);
	single(out, "probe_duration_seconds", "How long the look took.", seconds(timings->total > 0 ? timings->total : result->latency));
	if (timings->dns > 0)
		single(out, "probe_dns_lookup_time_seconds", "How long it took to look up the name.", seconds(timings->dns));
	if (result->address[0] != '\0')
		single(out, "probe_ip_protocol", "Whether the address is of IPv4 or of IPv6.", strchr(result->address, ':') != NULL
										 ? 6 : 4);
	if (kind == &check_http) {
		single(out, "probe_http_status_code", "The HTTP status; 0: there was no answer.", result->status);
		phases(timings, out);
		single(out, "probe_http_ssl", "Whether the last answer came over TLS.", result->status > 0 && result->certificated);
	}
	if (result->certificated)
		single(out, "probe_ssl_earliest_cert_expiry", "When the certificate ends, in seconds since 1970.",
		       (double)(result->not_after / TIME_SECOND));
	if (kind == &check_journey || kind == &check_command)
		details(result->detail, out);
}
