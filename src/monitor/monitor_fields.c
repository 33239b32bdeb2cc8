/*
 * monitor_fields.c: the kinds of checks, and every field a definition of kind Check may have.
 *
 * One table for all kinds, in the order in which people are asked: what, then how often, then how strict.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "monitor/journey_spec.h"
#include "monitor/monitor_probe.h"
#include "monitor/monitor_spec.h"
#include "wire/dns_message.h"
#include "wire/doc.h"
#include "wire/ping.h"

#define BODY_TEXT_BYTES_MAX 1024

const struct check_kind *const check_kinds[] = { &check_http, &check_tcp, &check_tls, &check_icmp,
                                                  &check_dns, &check_command,
                                                  &check_heartbeat, &check_sql, &check_journey, NULL };

const struct check_kind *check_kind_find(struct str name)
{
	for (size_t i = 0; check_kinds[i] != NULL; i++)
		if (str_is(name, check_kinds[i]->name))
			return check_kinds[i];
	return NULL;
}

/* All but heartbeats, which nobody goes to look at. */
#define LOOKS "kind=http|tcp|tls|icmp|dns|command|sql|journey"

/* Beside each other: the words, and what each means for whoever chooses. */
static const char *const kind_names[] = { "http", "tcp", "tls", "icmp", "dns", "command", "heartbeat", "sql", "journey", NULL };
static const char *const kind_abouts[] = {
	"A request to a web address; its status, body and certificate are judged.",
	"A connection to a port; if you like a text is sent and another awaited.",
	"A TLS handshake, to watch a certificate: its names, its chain, its days left.",
	"Pings to a host; how many are lost and how long they take.",
	"A question to a name server, and whether it answers what it should.",
	"A Nagios plugin of this machine; its exit status, first line and figures.",
	"A job that calls when it has run, and is missed when it does not.",
	"A question to a PostgreSQL database, and what the first value it answers must be.",
	"Several web requests one after the other, with cookies, as a person signs in and buys.",
	NULL,
};
static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS", NULL };
static const char *const urgencies[] = { "high", "low", NULL };

static const char *const families[] = { "any", "ipv4", "ipv6", NULL };
static const char *const records[] = { "A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "SRV", "PTR", "CAA",
				       NULL };
static const char *const matches[] = { "contains", "exact", NULL };
static const char *const codes[] = { "NOERROR", "NXDOMAIN", NULL };

static const struct spec_field dns_answer = { .type = SPEC_TEXT, .min = 1, .max = DNS_ANSWER_BYTES - 1 };
static const struct spec_field plugin_arg = { .type = SPEC_TEXT, .min = 0, .max = 1024 };
static const struct spec_field header_value = { .type = SPEC_TEXT, .min = 0, .max = 2048 };

static const struct spec_field secret_name = { .type = SPEC_NAME, .refers = "Secret" };
static const struct spec_field journey_step = { .type = SPEC_OBJECT, .fields = journey_step_fields };

static const struct spec_field expect_fields[] = {
	{ .name = "status", .type = SPEC_TEXT, .otherwise = "200-399", .min = 3, .max = 120,
	  .about = "HTTP statuses that are good, as numbers and ranges: 200-399,404." },
	{ .name = "body_contains", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX,
	  .about = "Text that must stand in the first MiB of the answer." },
	{ .name = "body_not_contains", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX,
	  .about = "Text that must not stand there." },
	{ .name = NULL },
};

const struct spec_field monitor_check_fields[] = {
	{ .name = "kind", .type = SPEC_CHOICE, .flags = SPEC_REQUIRED, .choices = kind_names,
	  .choices_about = kind_abouts, .about = "How it is looked at." },
	{ .name = "service", .type = SPEC_NAME, .refers = "Service",
	  .about = "The service whose health this is." },
	{ .name = "display", .type = SPEC_TEXT, .min = 1, .max = 120,
	  .about = "How people call it; the name when absent." },
	{ .name = "url", .type = SPEC_URL, .only = "kind=http", .about = "What is asked." },
	{ .name = "method", .type = SPEC_CHOICE, .choices = methods, .otherwise = "GET",
	  .only = "kind=http", .about = "How it is asked." },
	{ .name = "headers", .type = SPEC_MAP, .item = &header_value, .max = MONITOR_FIELDS_MAX,
	  .only = "kind=http", .about = "Header fields to send." },
	{ .name = "redirects", .type = SPEC_INT, .otherwise = "5", .min = 0, .max = HTTP_REDIRECTS_MAX,
	  .only = "kind=http", .about = "How many redirects are followed; 0 takes the redirect as answer." },
	{ .name = "host", .type = SPEC_HOST, .only = "kind=tcp|tls|icmp",
	  .about = "The host that is looked at: a name or an address." },
	{ .name = "port", .type = SPEC_PORT, .only = "kind=tcp|tls|dns", .about = "The port; when absent 443 "
	  "for tls and 53 for dns." },
	{ .name = "send", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX, .only = "kind=tcp",
	  .about = "Text to send once connected." },
	{ .name = "receive", .type = SPEC_TEXT, .min = 1, .max = BODY_TEXT_BYTES_MAX, .only = "kind=tcp",
	  .about = "Text that must come back within the first 16 KiB." },
	{ .name = "server_name", .type = SPEC_HOST, .only = "kind=tls",
	  .about = "The name the certificate must be for; the host when absent." },
	{ .name = "verify", .type = SPEC_BOOL, .otherwise = "true", .only = "kind=http|tls|journey",
	  .about = "Whether a certificate that cannot be trusted is a failure." },
	{ .name = "family", .type = SPEC_CHOICE, .choices = families, .otherwise = "any", .only = "kind=icmp",
	  .about = "Which of the host's addresses is pinged." },
	{ .name = "packets", .type = SPEC_INT, .otherwise = "4", .min = 1, .max = PING_PACKETS_MAX,
	  .only = "kind=icmp", .about = "How many packets are sent in one try." },
	{ .name = "loss_warn", .type = SPEC_INT, .otherwise = "25", .min = 1, .max = 100,
	  .only = "kind=icmp", .unit = "%", .about = "So many lost or more is degraded." },
	{ .name = "loss_fail", .type = SPEC_INT, .otherwise = "100", .min = 1, .max = 100,
	  .only = "kind=icmp", .unit = "%", .about = "So many lost or more is a failure." },
	{ .name = "query", .type = SPEC_TEXT, .min = 1, .max = 254, .only = "kind=dns",
	  .about = "The name that is asked for: example.org." },
	{ .name = "record", .type = SPEC_CHOICE, .choices = records, .otherwise = "A", .only = "kind=dns",
	  .about = "The kind of record." },
	{ .name = "resolver", .type = SPEC_HOST, .only = "kind=dns",
	  .about = "The name server that is asked; this machine's own when absent." },
	{ .name = "answers", .type = SPEC_LIST, .item = &dns_answer, .max = DNS_ANSWERS_MAX, .only = "kind=dns",
	  .about = "What must be among the answers: 192.0.2.1, or 10 mail.example.org." },
	{ .name = "match", .type = SPEC_CHOICE, .choices = matches, .otherwise = "contains",
	  .only = "kind=dns", .about = "Whether other answers may stand beside those." },
	{ .name = "code", .type = SPEC_CHOICE, .choices = codes, .otherwise = "NOERROR", .only = "kind=dns",
	  .about = "NXDOMAIN when the name must not exist." },
	{ .name = "plugin", .type = SPEC_TEXT, .min = 1, .max = 63, .only = "kind=command",
	  .about = "A file in a folder of --plugins: check_disk." },
	{ .name = "args", .type = SPEC_LIST, .item = &plugin_arg, .max = MONITOR_ARGS_MAX, .only = "kind=command",
	  .about = "Its arguments, each as it is: no shell reads them." },
	{ .name = "every", .type = SPEC_DURATION, .min = MONITOR_EVERY_MIN, .max = MONITOR_EVERY_MAX,
	  .only = "kind=heartbeat", .about = "How often the job calls: 1d for a nightly one." },
	{ .name = "grace", .type = SPEC_DURATION, .otherwise = "1m", .min = 0, .max = 31 * TIME_DAY,
	  .only = "kind=heartbeat", .about = "How much later it may be; as long as the job takes, and some more." },
	{ .name = "secret", .type = SPEC_NAME, .refers = "Secret", .only = "kind=sql",
	  .about = "The secret that holds the address: postgres://user:password@host/database." },
	{ .name = "sql", .type = SPEC_TEXT, .min = 1, .max = MONITOR_SQL_BYTES_MAX, .only = "kind=sql",
	  .about = "One statement that reads. It runs in a read-only transaction and ends with the timeout." },
	{ .name = "equals", .type = SPEC_TEXT, .min = 0, .max = BODY_TEXT_BYTES_MAX, .only = "kind=sql",
	  .about = "What the first column of the first row must be." },
	{ .name = "above", .type = SPEC_REAL, .only = "kind=sql", .about = "That value must be more than this." },
	{ .name = "below", .type = SPEC_REAL, .only = "kind=sql", .about = "That value must be less than this." },
	{ .name = "rows_min", .type = SPEC_INT, .min = 1, .max = MONITOR_SQL_ROWS_MAX, .only = "kind=sql",
	  .about = "So many rows at least." },
	{ .name = "steps", .type = SPEC_LIST, .item = &journey_step, .min = 1, .max = JOURNEY_STEPS_MAX,
	  .only = "kind=journey", .about = "The steps in their order; the first that fails ends it." },
	{ .name = "secrets", .type = SPEC_MAP, .item = &secret_name, .max = JOURNEY_SECRETS_MAX, .only = "kind=journey",
	  .about = "Secrets that steps may send: password: shop-login makes {{password}} stand for the secret shop-login." },
	{ .name = "expect", .type = SPEC_OBJECT, .fields = expect_fields, .only = "kind=http",
	  .about = "What a good answer looks like." },
	{ .name = "interval", .type = SPEC_DURATION, .otherwise = "30s", .min = MONITOR_INTERVAL_MIN,
	  .max = MONITOR_INTERVAL_MAX, .about = "Time between two tries." },
	{ .name = "timeout", .type = SPEC_DURATION, .otherwise = "5s", .min = 100 * TIME_MS,
	  .max = MONITOR_TIMEOUT_MAX, .only = LOOKS, .about = "How long one try may take." },
	{ .name = "fail_after", .type = SPEC_INT, .otherwise = "2", .min = 1, .max = CHECK_COUNT_MAX,
	  .only = LOOKS, .about = "Failures in a row before it is down." },
	{ .name = "for", .type = SPEC_DURATION, .otherwise = "0s", .max = TIME_DAY,
	  .only = LOOKS, .about = "And for at least so long." },
	{ .name = "recover_after", .type = SPEC_INT, .otherwise = "2", .min = 1, .max = CHECK_COUNT_MAX,
	  .only = LOOKS, .about = "Good results in a row before it is up again." },
	{ .name = "latency_warn", .type = SPEC_DURATION, .min = TIME_MS, .max = MONITOR_TIMEOUT_MAX,
	  .only = LOOKS, .about = "Slower than this is degraded." },
	{ .name = "warn_days", .type = SPEC_INT, .otherwise = "21", .min = 0, .max = 365,
	  .only = "kind=http|tls", .unit = "days",
	  .about = "A certificate with fewer days left is degraded; 0 turns it off." },
	{ .name = "fail_days", .type = SPEC_INT, .otherwise = "7", .min = 0, .max = 365,
	  .only = "kind=http|tls", .unit = "days",
	  .about = "A certificate with fewer days left is a failure; 0 turns it off." },
	{ .name = "urgency", .type = SPEC_CHOICE, .choices = urgencies, .otherwise = "high",
	  .about = "Whether a person may be woken." },
	{ .name = "paused", .type = SPEC_BOOL, .otherwise = "false", .about = "Do not run it." },
	{ .name = NULL },
};

/* What a kind cannot do without. */
static const struct {
	const char *kind, *field;
} needs[] = {
	{ "http", "url" }, { "tcp", "host" }, { "tcp", "port" }, { "tls", "host" }, { "icmp", "host" },
	{ "dns", "query" }, { "command", "plugin" },
	{ "heartbeat", "every" }, { "sql", "secret" }, { "sql", "sql" }, { "journey", "steps" },
};

/* What cannot read is refused where it is written and not at the database, which refuses it as well. */
static void check_statement(const struct doc_node *spec, struct spec_errors *errors)
{
	static const char *const readers[] = { "select", "with", "values", "table", "show" };
	const struct doc_node *statement = doc_get(spec, "sql");
	struct str text = str_trim(doc_text(statement, ""));
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		size_t length = strlen(readers[i]);
		if (text.len > length && strncasecmp(text.ptr, readers[i], length) == 0 &&
		    !isalnum((unsigned char)text.ptr[length]))
			return;
	}
	spec_error(errors, statement, "sql", "the statement must begin with SELECT, WITH, VALUES, TABLE or SHOW");
}

void monitor_check_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	struct str kind = doc_text(doc_get(spec, "kind"), "");
	struct status_ranges ranges;
	const struct doc_node *status = doc_get(doc_get(spec, "expect"), "status");
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		if (str_is(kind, needs[i].kind) && doc_get(spec, needs[i].field) == NULL)
			spec_error(errors, NULL, needs[i].field, "a check of kind %s needs \"%s\"", needs[i].kind,
			           needs[i].field);
	}
	if (str_is(kind, "journey"))
		journey_rule(spec, errors);
	if (str_is(kind, "sql") && doc_get(spec, "sql") != NULL)
		check_statement(spec, errors);
	if (status != NULL && !status_ranges_parse(doc_text(status, ""), &ranges))
		spec_error(errors, status, "expect.status", "cannot read the statuses \"" STR_FMT
		           "\"; write them as 200-399,404", STR_ARG(doc_text(status, "")));
}

