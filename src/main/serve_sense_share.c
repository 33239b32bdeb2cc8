/* serve_sense_share.c: see serve_sense_share.h. */
#include "main/serve_sense_share.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "main/node_look.h"
#include "sys/clock.h"
#include "wire/http_client.h"

#define ANSWER_BYTES_MAX (256u << 10)
#define ARENA_BYTES (4u << 20)
#define URL_BYTES (STORE_NODE_URL_BYTES + 32u)

struct share_run {
	struct serve_share *share;
	struct share_run *next, **link;
	const struct check_spec *spec;
	probe_done_fn *done;
	void *context;
	struct http_call *call; /* ASKED; else it is HERE */
	void *here;
	char node[STORE_NODE_BYTES], asked[NODE_SEAL_BYTES];
};

/* Who did not answer, until when it is left alone. */
struct benched {
	char node[STORE_NODE_BYTES];
	time_us until;
};

struct serve_share {
	struct serve_share_options options;
	struct probe_share probe;
	struct share_run *first;
	struct benched bench[STORE_NODES_MAX];
	struct http_call *who; /* asks whether that one leads */
	char who_asked[NODE_SEAL_BYTES];
	unsigned who_turn;
	time_us led_until;                 /* since boot, as these: */
	time_us untold_first, untold_last; /* when something could not be stored, of a row that lasts */
};

static time_us since_boot(const struct serve_share *share)
{
	return clock_since_boot(share->options.tools->clock);
}

/* ---- the bench ---- */

static struct benched *bench_of(struct serve_share *share, const char *node)
{
	struct benched *oldest = &share->bench[0];
	for (size_t i = 0; i < STORE_NODES_MAX; i++) {
		if (strcmp(share->bench[i].node, node) == 0)
			return &share->bench[i];
		if (share->bench[i].until < oldest->until)
			oldest = &share->bench[i];
	}
	return oldest;
}

static bool is_benched(struct serve_share *share, const char *node)
{
	const struct benched *row = bench_of(share, node);
	return strcmp(row->node, node) == 0 && since_boot(share) < row->until;
}

static void put_on_bench(struct serve_share *share, const char *node, const char *why)
{
	struct benched *row = bench_of(share, node);
	if (!is_benched(share, node))
		log_write(LOG_WARNING, "a server did not look at its share; it is looked at here", "node=%s reason=\"%s\"", node,
			  why);
	snprintf(row->node, sizeof row->node, "%s", node);
	row->until = since_boot(share) + SERVE_SHARE_BENCH;
}

/* ---- the end of a look ---- */

static void run_free(struct share_run *run)
{
	*run->link = run->next;
	if (run->next != NULL)
		run->next->link = run->link;
	mem_free(run);
}

static void give(struct share_run *run, const struct check_result *result)
{
	probe_done_fn *done = run->done;
	void *context = run->context;
	run_free(run);
	done(context, result);
}

static void on_here(void *context, const struct check_result *result)
{
	struct share_run *run = context;
	run->here = NULL;
	give(run, result);
}

static void look_here(struct share_run *run)
{
	struct error err = { 0 };
	struct check_result result = { .good = false };
	assert(run->call == NULL);
	if (run->spec->kind->start(run->share->options.tools, run->spec, on_here, run, &run->here, &err) == OK)
		return;
	probe_fail(&result, "%s", err.text);
	give(run, &result);
}

static enum err read_answer(struct share_run *run, const struct http_answer *answer, struct arena *arena,
			    struct check_result *ret_result, struct error *err)
{
	const struct serve_share_options *options = &run->share->options;
	if (answer->status == 403 || answer->status == 404) /* it will say the same next time */
		return error_set(err, ERR_DENIED, "it answered %d", answer->status);
	if (answer->status != 200 || answer->body_cut)
		return error_set(err, ERR_UNAVAILABLE, "it answered %d", answer->status);
	if (!node_seal_answers(options->seal_key, http_answer_field(answer, NODE_SEAL_FIELD), str_of(run->asked),
			       answer->body, clock_wall(options->tools->clock)))
		return error_set(err, ERR_DENIED, "its answer has no right seal");
	enum err r = node_result_read(answer->body, arena, ret_result, err);
	if (r == OK)
		snprintf(ret_result->node, sizeof ret_result->node, "%s", run->node);
	return r;
}

/* What that server could not see, this one may. A look that is refused because the definition is newer is no
 * fault of the server's; all the same, this look is made here. */
static void on_answer(void *context, const struct http_answer *answer, const struct error *failure)
{
	struct share_run *run = context;
	struct check_result result = { 0 };
	struct error err = { 0 };
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	run->call = NULL;
	enum err r = failure == NULL ? read_answer(run, answer, &arena, &result, &err) : failure->code;
	if (r == OK && !result.blind) {
		give(run, &result);
	} else {
		if (failure != NULL || r == ERR_DENIED)
			put_on_bench(run->share, run->node, failure != NULL ? failure->text : err.text);
		look_here(run);
	}
	arena_finish(&arena);
}

/* ---- the beginning ---- */

static enum err post(struct serve_share *share, const struct store_node *node, struct str body, time_us timeout,
		     char ret_asked[NODE_SEAL_BYTES], http_fn *fn, void *context, struct http_call **ret_call,
		     struct error *err)
{
	const struct serve_share_options *options = &share->options;
	char url[URL_BYTES];
	struct node_seal seal = { .at = clock_wall(options->tools->clock) };
	snprintf(url, sizeof url, "%s" NODE_LOOK_PATH, node->url);
	snprintf(seal.from, sizeof seal.from, "%s", nodes_name(options->nodes));
	node_seal_make(options->seal_key, &seal, STR("POST"), STR(NODE_LOOK_PATH), body, ret_asked);
	struct http_ask_field fields[] = { { NODE_SEAL_FIELD, ret_asked }, { "Content-Type", "application/json" } };
	struct http_ask request = {
		.method = "POST",
		.url = url,
		.fields = fields,
		.fields_count = sizeof fields / sizeof fields[0],
		.body = body,
		.timeout = timeout,
		.connect_timeout = 2 * TIME_SECOND,
		.body_max_bytes = ANSWER_BYTES_MAX,
	};
	return http_client_start(options->tools->http, &request, fn, context, ret_call, err);
}

static enum err ask(struct share_run *run, const struct store_node *node, int64_t revision, struct error *err)
{
	cleanup_buf struct buf body;
	buf_init(&body, NODE_LOOK_BYTES);
	node_look_write(str_of(run->spec->name), revision, &body);
	return post(run->share, node, buf_str(&body), run->spec->timeout + NODE_LOOK_GRACE, run->asked, on_answer, run,
		    &run->call, err);
}

static bool start(void *context, const struct check_spec *spec, probe_done_fn *done, void *done_context, void **ret_run)
{
	struct serve_share *share = context;
	struct store_node node;
	struct error err = { 0 };
	if (!nodes_owner(share->options.nodes, str_of(spec->name), &node) || is_benched(share, node.name))
		return false;
	int64_t revision = share->options.revision(share->options.context, spec->name);
	if (revision == 0)
		return false;
	struct share_run *run = mem_alloc(sizeof *run);
	*run = (struct share_run){ .share = share, .spec = spec, .done = done, .context = done_context,
				   .next = share->first, .link = &share->first };
	snprintf(run->node, sizeof run->node, "%s", node.name);
	if (run->next != NULL)
		run->next->link = &run->next;
	share->first = run;
	if (ask(run, &node, revision, &err) == OK) {
		*ret_run = run;
		return true;
	}
	put_on_bench(share, node.name, err.text);
	run_free(run);
	return false;
}

static void cancel(void *context)
{
	struct share_run *run = context;
	if (run->call != NULL)
		http_call_cancel(&run->call);
	else if (run->here != NULL)
		run->spec->kind->cancel(run->here);
	run_free(run);
}

/* ---- without the database ---- */

static void on_who(void *context, const struct http_answer *answer, const struct error *failure)
{
	struct serve_share *share = context;
	share->who = NULL;
	bool leads = failure == NULL && answer->status == NODE_LOOK_LEADS &&
		     node_seal_answers(share->options.seal_key, http_answer_field(answer, NODE_SEAL_FIELD),
				       str_of(share->who_asked), answer->body, clock_wall(share->options.tools->clock));
	if (leads)
		share->led_until = since_boot(share) + SERVE_SHARE_LED;
}

static void ask_who_leads(struct serve_share *share)
{
	struct nodes *nodes = share->options.nodes;
	struct store_node node;
	struct error err;
	if (share->who != NULL || share->untold_last == 0 || since_boot(share) > share->untold_last + SERVE_SHARE_TAKE_OVER ||
	    !nodes_other(nodes, share->who_turn++, &node))
		return;
	post(share, &node, STR("{}"), 2 * TIME_SECOND, share->who_asked, on_who, share, &share->who, &err);
}

bool serve_share_is_led_elsewhere(struct serve_share *share)
{
	struct store_node node;
	time_us now = since_boot(share);
	if (share->untold_last == 0 || now > share->untold_last + TIME_MINUTE)
		share->untold_first = now;
	share->untold_last = now;
	if (!nodes_other(share->options.nodes, 0, &node))
		return false;
	return now < share->untold_first + SERVE_SHARE_TAKE_OVER || now < share->led_until;
}

void serve_share_tick(struct serve_share *share)
{
	ask_who_leads(share);
	struct share_run *run = share->first;
	while (run != NULL) {
		struct share_run *next = run->next;
		if (run->call != NULL && !nodes_is_there(share->options.nodes, run->node)) {
			http_call_cancel(&run->call);
			put_on_bench(share, run->node, "it is not seen any more");
			look_here(run); /* may end at once, and then `run` is gone */
		}
		run = next;
	}
}

/* ---- life ---- */

struct serve_share *serve_share_create(const struct serve_share_options *options)
{
	struct serve_share *share = mem_alloc(sizeof *share);
	share->options = *options;
	share->probe = (struct probe_share){ .context = share, .start = start, .cancel = cancel };
	return share;
}

void serve_share_destroy(struct serve_share **share)
{
	if (*share == NULL)
		return;
	assert((*share)->first == NULL);
	http_call_cancel(&(*share)->who);
	mem_free(*share);
	*share = NULL;
}

const struct probe_share *serve_share_probe(struct serve_share *share)
{
	return &share->probe;
}
