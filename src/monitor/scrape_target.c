/* scrape_target.c: see scrape_target.h. The order of steps is Prometheus' own. */
#include "monitor/scrape_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/number.h"

#define URL_BYTES_MAX (1u << 20)
#define ALERTS_PATH "/api/v2/alerts"
#define LABELS_BYTES_MAX (1u << 20) /* of a target, before and after relabelling */
#define LABEL_BYTES 64u             /* what a label costs beside its texts */
#define ROOM_BYTES (4u << 20)       /* for copies of the above, and a URL */

/* ---- what it begins with ---- */

/* Only what nobody said already. */
static void put_new(struct relabel_set *set, const char *name, struct str value)
{
	if (relabel_set_get(set, str_of(name)).len == 0)
		relabel_set_put(set, str_of(name), value);
}

static struct str duration_text(struct arena *arena, int64_t ms)
{
	struct buf buf;
	buf_init(&buf, 64);
	promql_duration_print(ms, &buf);
	struct str text = arena_str(arena, buf_str(&buf));
	buf_finish(&buf);
	return text;
}

static void put_job(struct relabel_set *set, const struct scrape_job *job)
{
	put_new(set, "job", job->name);
	put_new(set, "__scrape_interval__", duration_text(set->arena, job->interval_ms));
	put_new(set, "__scrape_timeout__", duration_text(set->arena, job->timeout_ms));
	put_new(set, "__metrics_path__", job->metrics_path);
	put_new(set, "__scheme__", job->scheme);
	for (size_t i = 0; i < job->params.count; i++)
		if (job->params.rows[i].values.count > 0)
			put_new(set, arena_printf(set->arena, "__param_" STR_FMT, STR_ARG(job->params.rows[i].name)).ptr,
				job->params.rows[i].values.rows[0]);
}

static void put_manager(struct relabel_set *set, const struct scrape_alertmanager *manager)
{
	const char *between = str_starts(manager->path_prefix, STR("/")) || manager->path_prefix.len == 0 ? "" : "/";
	put_new(set, "__scheme__", manager->scheme);
	put_new(set, "__alerts_path__",
		arena_printf(set->arena, "%s" STR_FMT ALERTS_PATH, between, STR_ARG(manager->path_prefix)));
}

/* ---- what it ends with ---- */

static void escape(struct str text, struct buf *buf)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-_.~", c) != NULL;
		if (plain && c != '\0')
			buf_addc(buf, (char)c);
		else
			buf_printf(buf, "%%%02X", c);
	}
}

static void add_parameter(struct buf *url, bool *first, struct str name, struct str value)
{
	buf_addc(url, *first ? '?' : '&');
	*first = false;
	escape(name, url);
	buf_addc(url, '=');
	escape(value, url);
}

/* A label __param_x stands for the first value of x; the others come from the job. */
static struct str make_url(const struct scrape_job *job, const struct relabel_set *set, struct arena *arena)
{
	static const struct str prefix = { "__param_", 8 };
	struct buf url;
	bool first = true;
	buf_init(&url, URL_BYTES_MAX);
	struct str path = relabel_set_get(set, STR("__metrics_path__"));
	buf_printf(&url, STR_FMT "://" STR_FMT "%s" STR_FMT, STR_ARG(relabel_set_get(set, STR("__scheme__"))),
		   STR_ARG(relabel_set_get(set, STR("__address__"))), str_starts(path, STR("/")) || path.len == 0 ? "" : "/",
		   STR_ARG(path));
	for (size_t i = 0; i < set->count; i++) {
		struct str name = set->pairs[i].name;
		if (!str_starts(name, prefix))
			continue;
		name = str_sub(name, prefix.len, name.len);
		add_parameter(&url, &first, name, set->pairs[i].value);
		for (size_t p = 0; job != NULL && p < job->params.count; p++)
			for (size_t v = 1; str_eq(job->params.rows[p].name, name) && v < job->params.rows[p].values.count; v++)
				add_parameter(&url, &first, name, job->params.rows[p].values.rows[v]);
	}
	struct str text = arena_str(arena, buf_str(&url));
	buf_finish(&url);
	return text;
}

static enum scrape_fate refuse(struct error *err, const char *what, struct str value)
{
	error_set(err, ERR_INVALID, "%s: \"" STR_FMT "\"", what, STR_ARG(value));
	return SCRAPE_REFUSED;
}

/* Out of room is no drop: it is told. */
static enum scrape_fate dropped(const struct relabel_set *set, struct error *err)
{
	if (!set->full)
		return SCRAPE_DROPPED;
	error_set(err, ERR_TOO_LARGE, "what relabelling makes of the labels is too long");
	return SCRAPE_REFUSED;
}

/* Groups come from others: a target that is too large is told, and costs nobody else anything. */
static bool is_large(const struct relabel_set *set, struct error *err)
{
	size_t bytes = 0;
	for (size_t i = 0; i < set->count; i++)
		bytes += set->pairs[i].name.len + set->pairs[i].value.len + LABEL_BYTES;
	if (bytes <= LABELS_BYTES_MAX && arena_room(set->arena) >= ROOM_BYTES && !set->full)
		return false;
	error_set(err, ERR_TOO_LARGE, "the labels of a target are too large");
	return true;
}

/* Of what put_job copies. */
static bool has_large_params(const struct scrape_job *job, struct error *err)
{
	size_t bytes = 0;
	for (size_t i = 0; i < job->params.count; i++)
		bytes += job->params.rows[i].name.len + LABEL_BYTES;
	if (bytes > LABELS_BYTES_MAX)
		error_set(err, ERR_TOO_LARGE, "the params of a job are too large");
	return bytes > LABELS_BYTES_MAX;
}

static enum scrape_fate check_times(const struct relabel_set *set, struct scrape_target *target, struct error *err)
{
	struct str interval = relabel_set_get(set, STR("__scrape_interval__"));
	struct str timeout = relabel_set_get(set, STR("__scrape_timeout__"));
	if (!promql_duration(interval, &target->interval_ms) || target->interval_ms == 0)
		return refuse(err, "the label __scrape_interval__ is no duration above 0", interval);
	if (!promql_duration(timeout, &target->timeout_ms) || target->timeout_ms == 0)
		return refuse(err, "the label __scrape_timeout__ is no duration above 0", timeout);
	if (target->timeout_ms > target->interval_ms)
		return refuse(err, "the scrape timeout is longer than the scrape interval", timeout);
	return SCRAPE_KEPT;
}

static struct promql_labels copy_without(const struct relabel_set *set, struct str prefix, struct arena *arena)
{
	struct promql_label *pairs = arena_array(arena, struct promql_label, set->count + 1);
	size_t count = 0;
	for (size_t i = 0; i < set->count; i++)
		if (prefix.len == 0 || !str_starts(set->pairs[i].name, prefix))
			pairs[count++] = set->pairs[i];
	return (struct promql_labels){ pairs, count };
}

enum scrape_fate scrape_target_make(const struct scrape_job *job, const struct scrape_alertmanager *manager,
				    const struct scrape_group *group, struct str address, struct arena *arena,
				    struct scrape_target *ret_target, struct error *err)
{
	struct scrape_target target = { .interval_ms = 0 };
	struct relabel_set set;
	*ret_target = target;
	relabel_set_init(&set, arena);
	for (size_t i = 0; i < group->labels.count && group->labels.count < LABELS_BYTES_MAX / LABEL_BYTES; i++)
		relabel_set_put(&set, group->labels.rows[i].name, group->labels.rows[i].value);
	set.full |= group->labels.count >= LABELS_BYTES_MAX / LABEL_BYTES;
	relabel_set_put(&set, STR("__address__"), address);
	if (is_large(&set, err) || (job != NULL && has_large_params(job, err)))
		return SCRAPE_REFUSED;
	if (job != NULL)
		put_job(&set, job);
	else
		put_manager(&set, manager);
	if (is_large(&set, err))
		return SCRAPE_REFUSED;
	target.discovered = copy_without(&set, STR_NONE, arena);
	*ret_target = target;
	const struct scrape_relabels *relabels = job != NULL ? &job->relabel : &manager->relabel;
	if (!relabel_apply(relabels->rules, relabels->written.count, &set))
		return dropped(&set, err);
	if (is_large(&set, err))
		return SCRAPE_REFUSED;
	address = relabel_set_get(&set, STR("__address__"));
	struct str scheme = relabel_set_get(&set, STR("__scheme__"));
	if (address.len == 0)
		return refuse(err, "a target has no address", address);
	if (str_has(address, '/'))
		return refuse(err, "an address is a host and a port, without scheme and path", address);
	if (scheme.len > 0 && !str_is(scheme, "http") && !str_is(scheme, "https"))
		return refuse(err, "the scheme is neither http nor https", scheme);
	if (job != NULL && check_times(&set, &target, err) != SCRAPE_KEPT)
		return SCRAPE_REFUSED;
	if (job != NULL)
		put_new(&set, "instance", address);
	target.url = make_url(job, &set, arena);
	target.labels = copy_without(&set, STR("__"), arena);
	*ret_target = target;
	return SCRAPE_KEPT;
}

/* ---- samples ---- */

/* A label that both have: the target's wins, and what the sample said stays as exported_... */
static void put_exported(struct relabel_set *set, struct str name, struct str value)
{
	do
		name = arena_printf(set->arena, "exported_" STR_FMT, STR_ARG(name));
	while (relabel_set_get(set, name).len > 0);
	relabel_set_put(set, name, value);
}

/* Said by the sample, if only to be empty: a gateway says so that it has no instance. */
static bool says(const struct exposition_item *item, struct str name)
{
	for (size_t i = 0; i < item->count; i++)
		if (str_eq(item->labels[i].name, name))
			return true;
	return false;
}

static int by_length(const void *a, const void *b)
{
	const struct promql_label *one = a, *two = b;
	if (one->name.len != two->name.len)
		return one->name.len < two->name.len ? -1 : 1;
	return str_cmp(one->name, two->name);
}

static void merge(const struct scrape_job *job, const struct scrape_target *target, const struct exposition_item *item,
		  struct relabel_set *set)
{
	struct promql_label *taken = arena_array(set->arena, struct promql_label, target->labels.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < target->labels.count; i++) {
		const struct promql_label *label = &target->labels.pairs[i];
		struct str said = relabel_set_get(set, label->name);
		if (job->honor_labels && says(item, label->name))
			continue;
		if (said.len > 0)
			taken[count++] = (struct promql_label){ label->name, said };
		relabel_set_put(set, label->name, label->value);
	}
	qsort(taken, count, sizeof *taken, by_length);
	for (size_t i = 0; i < count; i++)
		put_exported(set, taken[i].name, taken[i].value);
}

static enum scrape_fate over(struct error *err, const char *what, size_t found, const char *limit, int64_t max)
{
	error_set(err, ERR_LIMIT, "%s %zu, more than %s %lld", what, found, limit, (long long)max);
	return SCRAPE_REFUSED;
}

static enum scrape_fate check_limits(const struct scrape_limits *limits, const struct relabel_set *set, struct error *err)
{
	if (limits->labels > 0 && set->count > (size_t)limits->labels)
		return over(err, "the labels of a series are", set->count, "label_limit", limits->labels);
	for (size_t i = 0; i < set->count; i++) {
		size_t name = set->pairs[i].name.len, value = set->pairs[i].value.len;
		if (limits->label_name_bytes > 0 && name > (size_t)limits->label_name_bytes)
			return over(err, "the bytes of a label's name are", name, "label_name_length_limit",
				    limits->label_name_bytes);
		if (limits->label_value_bytes > 0 && value > (size_t)limits->label_value_bytes)
			return over(err, "the bytes of a label's value are", value, "label_value_length_limit",
				    limits->label_value_bytes);
	}
	return SCRAPE_KEPT;
}

static bool has_legacy_names(const struct relabel_set *set)
{
	bool legacy = promql_is_metric_name(relabel_set_get(set, STR(PROMQL_NAME)));
	for (size_t i = 0; i < set->count; i++)
		legacy = legacy && promql_is_label_name(set->pairs[i].name);
	return legacy;
}

enum scrape_fate scrape_sample_labels(const struct scrape_job *job, const struct scrape_target *target,
				      const struct exposition_item *item, struct arena *arena,
				      struct promql_labels *ret_labels, struct error *err)
{
	struct relabel_set set;
	relabel_set_init(&set, arena);
	for (size_t i = 0; i < item->count; i++)
		relabel_set_put(&set, item->labels[i].name, item->labels[i].value);
	relabel_set_put(&set, STR(PROMQL_NAME), item->name);
	merge(job, target, item, &set);
	if (!relabel_apply(job->metric_relabel.rules, job->metric_relabel.written.count, &set) || set.count == 0)
		return dropped(&set, err);
	if (relabel_set_get(&set, STR(PROMQL_NAME)).len == 0)
		return refuse(err, "relabelling took the name of the series", item->name);
	if (str_is(job->validation, "legacy") && !has_legacy_names(&set))
		return refuse(err, "metric_name_validation_scheme is legacy, and a name has other letters", item->name);
	enum scrape_fate fate = check_limits(&job->limits, &set, err);
	if (fate == SCRAPE_KEPT)
		*ret_labels = relabel_set_labels(&set);
	return fate;
}
