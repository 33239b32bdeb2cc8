/* pq_ask.c: see pq_ask.h. */
#include "wire/pq_ask.h"

#include <assert.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/egress.h"
#include "wire/resolve.h"

#define SETTINGS_MAX 64u /* libpq 18 knows 50 */
#define BOOLEAN_OID 16u
#define CONSUMES 4u /* of at least 8 KiB: more than one TLS record */
#define PORT_DEFAULT "5432"
#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"
#define NO_PASSWORD "-"          /* not empty, else libpq asks the environment */
#define NO_FILE "/dev/null/none" /* cannot be there, which libpq takes for "there is none" */

enum step { STEP_RESOLVE, STEP_CONNECT, STEP_BEGIN, STEP_ASK };

struct pq_ask {
	struct pq_ask_tools tools;
	struct pq_ask_request request;
	struct pq pq;
	pq_ask_fn *fn;
	void *context;
	enum step step;
	PQconninfoOption *options;
	struct resolve_query *query;
	struct address addresses[PQ_ASK_ADDRESSES_MAX];
	unsigned count, next;
	PGconn *conn;
	bool reached; /* this address answered: another one would say the same */
	bool answered; /* the statement gave rows, or said that there are none */
	struct loop_poll *poll;
	struct loop_timer *timer, *share;
	time_us started, resolved, connected;
	struct pq_ask_result result;
	struct error err;
};

/* ---- the address ---- */

/* What an address may set. Left out is what reads files of this machine, names other hosts than the guard was
 * asked about, or changes how we ask. */
static const char *const allowed[] = { "user", "password", "host", "port", "dbname", "sslmode",
	                               "application_name", "channel_binding", "target_session_attrs" };

static const char *setting(const struct pq_ask *ask, const char *name)
{
	for (const PQconninfoOption *o = ask->options; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, name) == 0)
			return o->val != NULL && o->val[0] != '\0' ? o->val : NULL;
	}
	return NULL;
}

static bool is_allowed(const char *name)
{
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		if (strcmp(name, allowed[i]) == 0)
			return true;
	}
	return false;
}

static enum err check_settings(const struct pq_ask *ask, struct error *err)
{
	const char *host = setting(ask, "host"), *port = setting(ask, "port");
	int64_t number;
	for (const PQconninfoOption *o = ask->options; o->keyword != NULL; o++) {
		if (o->val != NULL && o->val[0] != '\0' && !is_allowed(o->keyword))
			return error_set(err, ERR_INVALID, "the address of the database sets \"%s\", which a check does "
			                 "not use", o->keyword);
	}
	if (host == NULL || host[0] == '/' || host[0] == '@')
		return error_set(err, ERR_INVALID, "the address of the database names no host");
	if (strchr(host, ',') != NULL || (port != NULL && !str_int(str_of(port), 1, 65535, &number)))
		return error_set(err, ERR_INVALID, "the address of the database names more than one host, or no good "
		                 "port");
	if (setting(ask, "dbname") == NULL || setting(ask, "user") == NULL)
		return error_set(err, ERR_INVALID, "the address of the database lacks its user or its name");
	return OK;
}

static enum err read_url(struct pq_ask *ask, struct error *err)
{
	cleanup_buf struct buf shown;
	char *why = NULL;
	buf_init(&shown, sizeof ask->result.server - 1);
	enum err r = pq_url_check(&ask->pq, ask->request.url, err);
	if (r != OK)
		return r;
	ask->options = ask->pq.conninfoParse(ask->request.url, &why);
	ask->pq.freemem(why);
	if (ask->options == NULL)
		return error_set(err, ERR_INVALID, "cannot read the address of the database");
	pq_url_shown(&ask->pq, ask->request.url, &shown);
	snprintf(ask->result.server, sizeof ask->result.server, "%s", shown.used > 0 ? shown.bytes : "");
	return check_settings(ask, err);
}

/* ---- the end ---- */

static void hang_up(struct pq_ask *ask)
{
	loop_poll_destroy(&ask->poll); /* before libpq closes the descriptor */
	if (ask->conn != NULL)
		ask->pq.finish(ask->conn);
	ask->conn = NULL;
}

static void ask_free(struct pq_ask *ask)
{
	hang_up(ask);
	resolve_cancel(&ask->query);
	loop_timer_destroy(&ask->timer);
	loop_timer_destroy(&ask->share);
	if (ask->options != NULL)
		ask->pq.conninfoFree(ask->options);
	mem_free(ask);
}

static time_us now_of(const struct pq_ask *ask)
{
	return clock_since_boot(ask->tools.clock);
}

static void finish(struct pq_ask *ask)
{
	time_us now = now_of(ask);
	if (ask->step == STEP_CONNECT)
		ask->result.connect = now - ask->resolved;
	if (ask->step == STEP_ASK)
		ask->result.asked = now - ask->connected;
	ask->result.total = now - ask->started;
	hang_up(ask);
	ask->fn(ask->context, &ask->result, ask->err.code != OK ? &ask->err : NULL);
	ask_free(ask);
}

/* A server may say anything; should it be the password, it is not repeated. */
static void say(struct pq_ask *ask, enum err code, const char *before, const char *said)
{
	const char *password = setting(ask, "password");
	struct str line = pq_said(said);
	if (password != NULL && memmem(line.ptr, line.len, password, strlen(password)) != NULL)
		line = STR("(it repeated the password)");
	error_set(&ask->err, code, "%s" STR_FMT, before, STR_ARG(str_sub(line, 0, 180)));
}

static void fail(struct pq_ask *ask, enum err code, const char *before, const char *said)
{
	say(ask, code, before, said);
	finish(ask);
}

static void on_time(void *context)
{
	static const char *const late[] = {
		[STEP_RESOLVE] = "its name was not found in time",
		[STEP_CONNECT] = "it let nobody in in time",
		[STEP_BEGIN] = "connected, but it did not answer in time",
		[STEP_ASK] = "the statement did not end in time",
	};
	struct pq_ask *ask = context;
	if (ask->step != STEP_CONNECT || ask->err.code == OK)
		error_set(&ask->err, ERR_TIMEOUT, "%s", late[ask->step]);
	finish(ask);
}

/* ---- rows ---- */

static void keep_value(struct pq_ask *ask, const PGresult *row)
{
	struct pq_ask_result *result = &ask->result;
	result->null = ask->pq.getisnull(row, 0, 0) != 0;
	const char *value = ask->pq.getvalue(row, 0, 0), *name = ask->pq.fname(row, 0);
	if (ask->pq.ftype(row, 0) == BOOLEAN_OID && !result->null)
		value = value[0] == 't' ? "true" : "false";
	struct str whole = str_of(value), kept = str_sub(whole, 0, sizeof result->value - 1);
	struct str column = str_sub(str_of(name != NULL ? name : ""), 0, sizeof result->column - 1);
	while (kept.len > 0 && !str_is_utf8(kept))
		kept.len--;
	while (column.len > 0 && !str_is_utf8(column))
		column.len--;
	result->cut = kept.len < whole.len;
	snprintf(result->value, sizeof result->value, STR_FMT, STR_ARG(kept));
	snprintf(result->column, sizeof result->column, STR_FMT, STR_ARG(column));
}

static void take_row(struct pq_ask *ask, const PGresult *row)
{
	if (ask->result.rows == 0 && ask->pq.nfields(row) > 0)
		keep_value(ask, row);
	if (ask->result.rows == ask->request.rows_max)
		ask->result.more = true;
	else
		ask->result.rows++;
	ask->answered = true;
}

static void take_error(struct pq_ask *ask, const PGresult *result)
{
	const char *state = ask->pq.resultErrorField(result, PG_DIAG_SQLSTATE);
	const char *said = ask->pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (state != NULL && strcmp(state, "57014") == 0)
		error_set(&ask->err, ERR_TIMEOUT, "the statement did not end in time");
	else
		say(ask, ERR_UNAVAILABLE, "the database said: ",
		    said != NULL ? said : ask->pq.resultErrorMessage(result));
}

/* False: it is over. */
static bool take_result(struct pq_ask *ask, const PGresult *result)
{
	switch (ask->pq.resultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		take_row(ask, result);
		return !ask->result.more;
	case PGRES_TUPLES_OK:
		ask->answered = true;
		return true;
	case PGRES_COMMAND_OK:
		return true;
	case PGRES_FATAL_ERROR:
		take_error(ask, result);
		return false;
	default:
		error_set(&ask->err, ERR_INVALID, "the statement gives no rows");
		return false;
	}
}

static void begin_asking(struct pq_ask *ask)
{
	ask->step = STEP_ASK;
	int sent = ask->pq.sendQueryParams(ask->conn, ask->request.sql, 0, NULL, NULL, NULL, NULL, 0);
	if (!sent || !ask->pq.setSingleRowMode(ask->conn))
		fail(ask, ERR_UNAVAILABLE, "could not ask: ", ask->pq.errorMessage(ask->conn));
	else
		loop_poll_watch(ask->poll, LOOP_READABLE | LOOP_WRITABLE);
}

static void end_of_statement(struct pq_ask *ask)
{
	if (ask->step == STEP_BEGIN) {
		begin_asking(ask);
		return;
	}
	if (!ask->answered)
		error_set(&ask->err, ERR_INVALID, "the statement gives no rows");
	finish(ask);
}

/* libpq keeps a whole row in memory, however large it is: so what the kernel received is counted. */
static bool is_too_much(const struct pq_ask *ask)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;
	return getsockopt(ask->pq.socket(ask->conn), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_bytes_received > PQ_ASK_BYTES_MAX;
}

/* More than once: of a TLS record a part may be left that no descriptor tells of. */
static bool consume(struct pq_ask *ask)
{
	bool good = true;
	for (unsigned i = 0; good && i < CONSUMES && (i == 0 || ask->pq.isBusy(ask->conn)); i++)
		good = ask->pq.consumeInput(ask->conn) != 0;
	return good;
}

static void on_answer(struct pq_ask *ask, unsigned events)
{
	if ((events & (LOOP_READABLE | LOOP_FAILED)) && !consume(ask)) {
		fail(ask, ERR_UNAVAILABLE, "the connection was lost: ", ask->pq.errorMessage(ask->conn));
		return;
	}
	if (is_too_much(ask)) {
		error_set(&ask->err, ERR_TOO_LARGE, "the answer is larger than 1 MiB");
		finish(ask);
		return;
	}
	int unsent = ask->pq.flush(ask->conn);
	loop_poll_watch(ask->poll, LOOP_READABLE | (unsent > 0 ? LOOP_WRITABLE : 0));
	while (!ask->pq.isBusy(ask->conn)) {
		PGresult *result = ask->pq.getResult(ask->conn);
		bool over = result == NULL;
		bool good = over || take_result(ask, result);
		ask->pq.clear(result);
		if (!good) {
			finish(ask);
			return;
		}
		if (over) {
			end_of_statement(ask);
			return;
		}
	}
}

/* ---- connecting ---- */

static void try_next(struct pq_ask *ask);

/* A first query fixes the snapshot, after which nobody makes this transaction one that writes. */
static void on_connected(struct pq_ask *ask)
{
	char text[256];
	time_us now = now_of(ask), left = ask->started + ask->request.timeout - now;
	long long left_ms = left > TIME_MS ? left / TIME_MS : 1;
	loop_timer_stop(ask->share);
	ask->connected = now;
	ask->result.connect = now - ask->resolved;
	ask->result.version = ask->pq.serverVersion(ask->conn);
	ask->err.code = OK;
	ask->step = STEP_BEGIN;
	snprintf(text, sizeof text,
	         "BEGIN READ ONLY; SELECT set_config('statement_timeout', '%lld', true), "
	         "set_config('idle_in_transaction_session_timeout', '%lld', true)", left_ms, left_ms);
	if (ask->pq.setnonblocking(ask->conn, 1) != 0 || !ask->pq.sendQuery(ask->conn, text))
		fail(ask, ERR_UNAVAILABLE, "could not ask: ", ask->pq.errorMessage(ask->conn));
	else
		loop_poll_watch(ask->poll, LOOP_READABLE | LOOP_WRITABLE);
}

static void on_refused(struct pq_ask *ask)
{
	say(ask, ERR_UNAVAILABLE, "", ask->pq.errorMessage(ask->conn));
	bool final = ask->reached;
	hang_up(ask);
	if (final)
		finish(ask);
	else
		try_next(ask);
}

static void on_ready(void *context, unsigned events);

/* libpq may have closed its descriptor and made another, even with the same number. */
static bool watch(struct pq_ask *ask, unsigned events)
{
	int fd = ask->pq.socket(ask->conn);
	if (fd < 0 || loop_poll_create(ask->tools.loop, fd, on_ready, ask, &ask->poll, &ask->err) != OK) {
		fail(ask, ERR_IO, "", "could not watch the connection");
		return false;
	}
	loop_poll_watch(ask->poll, events);
	return true;
}

static void step_connecting(struct pq_ask *ask)
{
	loop_poll_destroy(&ask->poll);
	PostgresPollingStatusType next = ask->pq.connectPoll(ask->conn);
	ConnStatusType status = ask->pq.status(ask->conn);
	ask->reached = ask->reached || (status != CONNECTION_STARTED && status != CONNECTION_BAD);
	if (next == PGRES_POLLING_FAILED)
		on_refused(ask);
	else if (watch(ask, next == PGRES_POLLING_READING ? LOOP_READABLE : LOOP_WRITABLE) &&
	         next == PGRES_POLLING_OK)
		on_connected(ask);
}

static void on_ready(void *context, unsigned events)
{
	struct pq_ask *ask = context;
	if (ask->step == STEP_CONNECT)
		step_connecting(ask);
	else
		on_answer(ask, events);
}

static void no_notice(void *context, const char *message)
{
	(void)context, (void)message;
}

struct settings {
	const char *names[SETTINGS_MAX + 1], *values[SETTINGS_MAX + 1];
	size_t count;
};

static void set(struct settings *settings, const char *name, const char *value)
{
	assert(settings->count < SETTINGS_MAX);
	settings->names[settings->count] = name;
	settings->values[settings->count++] = value;
}

static bool is_set(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; i++) {
		if (strcmp(settings->names[i], name) == 0)
			return true;
	}
	return false;
}

/* libpq takes what is not set from the environment of this process: PGPASSWORD, which was meant for our own
 * database, would go to the one that is checked. So each of these is set to what it is without the environment;
 * where there is no such value (a service of PGSERVICE), it is refused. */
static enum err shut_off_environment(const struct pq_ask *ask, struct settings *settings, struct error *err)
{
	for (const PQconninfoOption *o = ask->options; o->keyword != NULL; o++) {
		const char *value = o->envvar != NULL ? getenv(o->envvar) : NULL;
		if (value == NULL || value[0] == '\0' || is_set(settings, o->keyword))
			continue;
		if (o->compiled == NULL || o->compiled[0] == '\0')
			return error_set(err, ERR_INVALID, "the environment of this server sets %s, which a check would take "
			                 "over; start it without", o->envvar);
		set(settings, o->keyword, o->compiled);
	}
	return OK;
}

static enum err gather(const struct pq_ask *ask, const char *address, struct settings *settings, struct error *err)
{
	const char *sslmode = setting(ask, "sslmode");
	settings->count = 0;
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		if (setting(ask, allowed[i]) != NULL)
			set(settings, allowed[i], setting(ask, allowed[i]));
	}
	if (setting(ask, "port") == NULL)
		set(settings, "port", PORT_DEFAULT);
	if (setting(ask, "application_name") == NULL)
		set(settings, "application_name", "mainstay check");
	if (setting(ask, "password") == NULL && getenv("PGPASSWORD") != NULL)
		set(settings, "password", NO_PASSWORD);
	bool verify = sslmode != NULL && strncmp(sslmode, "verify", 6) == 0;
	const char *authorities = ask->request.ca_file != NULL ? ask->request.ca_file : SYSTEM_AUTHORITIES;
	set(settings, "sslrootcert", verify ? authorities : NO_FILE);
	set(settings, "sslcrl", NO_FILE);
	set(settings, "connect_timeout", "0"); /* the deadline is ours */
	set(settings, "hostaddr", address);
	set(settings, "client_encoding", "UTF8");
	set(settings, "gssencmode", "disable"); /* it would wait, and read tickets of ours */
	set(settings, "passfile", NO_FILE);
	set(settings, "sslcert", NO_FILE);
	set(settings, "sslkey", NO_FILE);
	return shut_off_environment(ask, settings, err);
}

/* True when the attempt is under way. */
static bool begin_attempt(struct pq_ask *ask)
{
	char address[ADDRESS_TEXT_BYTES];
	struct settings settings;
	ask->result.address = ask->addresses[ask->next++];
	ask->result.tried = true;
	ask->reached = false;
	address_format(&ask->result.address, address);
	if (gather(ask, address, &settings, &ask->err) != OK)
		return false;
	ask->conn = ask->pq.connectStartParams(settings.names, settings.values, 0);
	if (ask->conn == NULL || ask->pq.status(ask->conn) == CONNECTION_BAD) {
		say(ask, ERR_UNAVAILABLE, "", ask->conn != NULL ? ask->pq.errorMessage(ask->conn) : "no memory");
		hang_up(ask);
		return false;
	}
	ask->pq.setNoticeProcessor(ask->conn, no_notice, NULL);
	return true;
}

static void try_next(struct pq_ask *ask)
{
	while (ask->next < ask->count) {
		time_us left = ask->started + ask->request.timeout - now_of(ask);
		if (left <= 0)
			break;
		if (!begin_attempt(ask))
			continue;
		/* Each address gets its share of what is left; the last one all of it. */
		if (ask->next < ask->count)
			loop_timer_start(ask->share, left / (ask->count - ask->next + 1));
		else
			loop_timer_stop(ask->share);
		watch(ask, LOOP_WRITABLE);
		return;
	}
	if (ask->err.code == OK)
		error_set(&ask->err, ERR_TIMEOUT, "it let nobody in in time");
	finish(ask);
}

static void on_share(void *context)
{
	struct pq_ask *ask = context;
	error_set(&ask->err, ERR_TIMEOUT, "it let nobody in in time");
	hang_up(ask);
	try_next(ask);
}

static void on_resolved(void *context, const struct address *addresses, unsigned count, const struct error *err)
{
	struct pq_ask *ask = context;
	ask->query = NULL;
	ask->resolved = now_of(ask);
	ask->result.dns = ask->resolved - ask->started;
	if (err != NULL)
		ask->err = *err;
	if (err != NULL ||
	    egress_check_all(ask->tools.policy, setting(ask, "host"), addresses, count, &ask->err) != OK) {
		finish(ask);
		return;
	}
	ask->step = STEP_CONNECT;
	ask->count = count < PQ_ASK_ADDRESSES_MAX ? count : PQ_ASK_ADDRESSES_MAX;
	memcpy(ask->addresses, addresses, ask->count * sizeof *addresses);
	try_next(ask);
}

/* ---- life ---- */

enum err pq_ask_start(const struct pq_ask_tools *tools, const struct pq_ask_request *request, pq_ask_fn *fn,
                      void *context, struct pq_ask **ret_ask, struct error *err)
{
	assert(request->timeout > 0);
	assert(request->rows_max > 0);
	struct pq_ask *ask = mem_alloc(sizeof *ask);
	*ask = (struct pq_ask){ .tools = *tools, .request = *request, .fn = fn, .context = context };
	ask->started = ask->resolved = ask->connected = clock_since_boot(tools->clock);
	struct settings settings;
	enum err r = pq_load(&ask->pq, err);
	if (r == OK)
		r = read_url(ask, err);
	if (r == OK)
		r = gather(ask, "", &settings, err); /* what cannot be asked is told before anybody is called */
	ask->request.url = NULL; /* is not ours beyond this call */
	if (r == OK)
		r = resolve_start(tools->resolve, str_of(setting(ask, "host")), request->timeout, on_resolved, ask,
		                  &ask->query, err);
	if (r != OK) {
		ask_free(ask);
		return r;
	}
	ask->timer = loop_timer_create(tools->loop, on_time, ask);
	ask->share = loop_timer_create(tools->loop, on_share, ask);
	loop_timer_start(ask->timer, request->timeout);
	*ret_ask = ask;
	return OK;
}

void pq_ask_cancel(struct pq_ask **pointer)
{
	if (*pointer != NULL)
		ask_free(*pointer);
	*pointer = NULL;
}
