/* test_monitor_scrape.c: prometheus.yml read, checked and led to targets and series. */
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "monitor/scrape_files.h"
#include "monitor/scrape_target.h"

struct read {
	struct arena arena;
	struct scrape_config config;
	struct troubles troubles;
};

static enum err read_config(struct read *read, const char *text)
{
	arena_init(&read->arena, 0);
	read->troubles = (struct troubles){ .arena = &read->arena, .source = "p.yml" };
	return scrape_config_read(str_of(text), &read->arena, &read->config, &read->troubles);
}

static void finish(struct read *read)
{
	scrape_config_finish(&read->config);
	arena_finish(&read->arena);
}

static void good(struct read *read, const char *text)
{
	if (read_config(read, text) != OK)
		fail_msg("wanted right, found: " STR_FMT, STR_ARG(read->troubles.rows[0]));
}

TEST(every_key_of_a_job_is_read_and_global_fills_in)
{
	struct read read;
	good(&read, "global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1MB, external_labels: {dc: 5}}\n"
		    "rule_files: [a.yml]\n"
		    "scrape_configs:\n"
		    "- job_name: one\n"
		    "- job_name: two\n  scrape_interval: 1h\n  scrape_timeout: 1m30s\n  metrics_path: /m\n  scheme: https\n"
		    "  honor_labels: yes\n  honor_timestamps: false\n  sample_limit: 9\n  label_limit: 3\n"
		    "  params: {q: [a, 5]}\n  basic_auth: {username: u, password_file: p}\n"
		    "  scrape_protocols: [OpenMetricsText1.0.0, PrometheusText0.0.4]\n"
		    "  dns_sd_configs: [{names: [x], type: A, port: 80}]\n  http_sd_configs: [{url: 'http://h/', follow_redirects: false}]\n"
		    "  file_sd_configs: [{files: ['t/*.json'], refresh_interval: 1m}]\n"
		    "alerting:\n  alertmanagers: [{static_configs: [{targets: ['am:9093']}], api_version: v2}]\n"
		    "remote_write: [{url: x}]\nstorage:\n");
	const struct scrape_config *c = &read.config;
	CHECK_INT(c->jobs.count, 2);
	CHECK_INT(c->jobs.rows[0].interval_ms, 5000);
	CHECK_INT(c->jobs.rows[0].timeout_ms, 5000);
	CHECK_INT(c->jobs.rows[0].limits.samples, 7);
	CHECK_INT(c->jobs.rows[0].limits.body_bytes, 1 << 20);
	CHECK_STR(c->jobs.rows[0].metrics_path, "/metrics");
	CHECK(c->jobs.rows[0].honor_timestamps && !c->jobs.rows[0].honor_labels && c->jobs.rows[0].http.follow_redirects);
	const struct scrape_job *two = &c->jobs.rows[1];
	CHECK_INT(two->timeout_ms, 90000);
	CHECK_INT(two->limits.samples, 9);
	CHECK(two->honor_labels && !two->honor_timestamps);
	CHECK_STR(two->params.rows[0].values.rows[1], "5");
	CHECK_STR(two->http.basic_auth->password_file, "p");
	CHECK_INT(two->protocols.count, 2);
	CHECK_INT(two->discovery.names.rows[0].port, 80);
	CHECK_INT(two->discovery.files.rows[0].refresh_ms, 60000);
	CHECK(!two->discovery.https.rows[0].http.follow_redirects);
	CHECK_STR(c->alerting.managers.rows[0].discovery.groups.rows[0].targets.rows[0], "am:9093");
	CHECK_STR(c->global.external_labels.rows[0].value, "5");
	CHECK_INT(c->unused_count, 2);
	CHECK_TEXT(c->unused[1], "storage");
	finish(&read);
}

TEST(what_is_wrong_is_told_with_its_place_and_what_was_meant)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "scrape_configs:\n- job_nam: x\n", "p.yml:2:3: unknown key \"job_nam\"; did you mean \"job_name\"?" },
		{ "scrape_configs:\n- job_name: x\n  file_sd_config: []\n",
		  "p.yml:3:3: unknown key \"file_sd_config\"; did you mean \"file_sd_configs\"?" },
		{ "scrape_configs:\n- job_name: x\n  kubernetes_sd_configs: []\n",
		  "p.yml:3:3: \"kubernetes_sd_configs\" is a discovery that is not here: have a program write the targets into a file "
		  "for \"file_sd_configs\", or serve them for \"http_sd_configs\"" },
		{ "global: {scrape_interval: 5}\n", "p.yml:1:27: \"scrape_interval\" must be a duration like 15s or 1m30s, not \"5\"" },
		{ "scrape_configs:\n- job_name: x\n  scheme: ftp\n", "p.yml:3:11: \"scheme\" must be one of http, https, not \"ftp\"" },
		{ "scrape_configs:\n- job_name: x\n  sample_limit: -1\n",
		  "p.yml:3:17: \"sample_limit\" must be a whole number from 0, not \"-1\"" },
		{ "scrape_configs:\n- job_name: x\n- job_name: x\n", "p.yml:3:3: the job \"x\" is there already, in line 2" },
		{ "scrape_configs:\n- job_name: x\n  scrape_protocols: [Nothing]\n",
		  "p.yml:3:22: \"scrape_protocols\" must be one of PrometheusProto, OpenMetricsText0.0.1, OpenMetricsText1.0.0, "
		  "PrometheusText0.0.4, PrometheusText1.0.0, not \"Nothing\"" },
		{ "scrape_configs:\n- job_name: x\n  http_headers:\n    X-Ok: {values: [a]}\n    user-agent: {values: [a]}\n",
		  "p.yml:5:17: \"http_headers\" cannot set \"User-Agent\"" },
		{ "scrape_configs:\n- job_name: x\n  http_sd_configs: [{url: 'http://h/', http_headers: {Host: {secrets: [a]}}}]\n",
		  "p.yml:3:61: \"http_headers\" cannot set \"Host\"" },
		{ "scrape_configs:\n- job_name: x\n  http_headers: {X-A: {value: [a]}}\n",
		  "p.yml:3:24: unknown key \"value\"; did you mean \"values\"?" },
		{ "a: [", "p.yml:2:1: did not find expected node content while parsing a flow node that began in line 2" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct read read;
		CHECK_INT(read_config(&read, cases[i].text), ERR_INVALID);
		CHECK(read.troubles.count >= 1);
		CHECK_STR(read.troubles.rows[0], cases[i].why);
		finish(&read);
	}
}

TEST(a_secret_is_in_no_complaint)
{
	static const char text[] =
		"scrape_configs:\n- job_name: a\n  bearer_token: [hunter2]\n  basic_auth: {username: u, password: {hunter2: hunter2}}\n"
		"- job_name: b\n  authorization: {type: basic, credentials: hunter2, credentials_file: f}\n"
		"- job_name: c\n  oauth2: {client_id: i, client_secret: hunter2, client_secret_file: f}\n"
		"- job_name: e\n  http_headers: {X-A: {secrets: hunter2}, X-B: {secrets: [[hunter2]]}, X-C: hunter2}\n"
		"- job_name: f\n  http_headers: hunter2\n"
		"- job_name: g\n  proxy_connect_header: {X-A: hunter2}\n"
		"- job_name: h\n  proxy_url: [hunter2]\n  proxy_connect_header: hunter2\n"
		"- job_name: d\n  tls_config: {key: hunter2}\n  bearer_token: hunter2\n  basic_auth: {username: hunter, password: hunter2}\n";
	struct read read;
	CHECK_INT(read_config(&read, text), ERR_INVALID);
	CHECK(read.troubles.count >= 14);
	for (size_t i = 0; i < read.troubles.count; i++) {
		char row[ERROR_TEXT_BYTES];
		snprintf(row, sizeof row, STR_FMT, STR_ARG(read.troubles.rows[i]));
		if (strstr(row, "hunter2") != NULL)
			fail_msg("told: %s", row);
	}
	finish(&read);
}

TEST(more_troubles_than_are_kept_are_counted)
{
	char text[4096] = "";
	struct read read;
	for (int i = 0; i < 80; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "unknown_%d: 1\n", i);
	CHECK_INT(read_config(&read, text), ERR_INVALID);
	CHECK_INT(read.troubles.count, 80);
	finish(&read);
}

/* ---- targets ---- */

static const char *target_of(const struct read *read, enum scrape_fate *ret_fate)
{
	static char text[2048];
	const struct scrape_job *job = &read->config.jobs.rows[0];
	const struct scrape_group *group = &job->discovery.groups.rows[0];
	struct arena arena;
	struct scrape_target target;
	struct error err;
	struct buf buf;
	arena_init(&arena, 0);
	buf_init(&buf, sizeof text);
	*ret_fate = scrape_target_make(job, NULL, group, group->targets.rows[0], &arena, &target, &err);
	if (*ret_fate == SCRAPE_KEPT) {
		promql_labels_print(target.labels, &buf);
		snprintf(text, sizeof text, STR_FMT " %s", STR_ARG(target.url), buf.bytes);
	} else {
		snprintf(text, sizeof text, "%s", *ret_fate == SCRAPE_REFUSED ? err.text : "");
	}
	buf_finish(&buf);
	arena_finish(&arena);
	return text;
}

TEST(a_target_is_made_of_its_group_its_job_and_relabelling)
{
	static const struct { const char *more, *wanted; enum scrape_fate fate; } cases[] = {
		{ "", "http://h:1/metrics {instance=\"h:1\", job=\"j\", x=\"y\"}", SCRAPE_KEPT },
		{ "  metrics_path: m\n  scheme: https\n  params: {b: [1, 2 3], a: [x&y]}\n",
		  "https://h:1/m?a=x%26y&b=1&b=2%203 {instance=\"h:1\", job=\"j\", x=\"y\"}", SCRAPE_KEPT },
		{ "  relabel_configs:\n  - {source_labels: [__address__], target_label: __param_target}\n"
		  "  - {target_label: __address__, replacement: 'bb:9115'}\n  - {source_labels: [__param_target], target_label: instance}\n"
		  "  - {target_label: __metrics_path__, replacement: /probe}\n  - {action: labeldrop, regex: x}\n",
		  "http://bb:9115/probe?target=h%3A1 {instance=\"h:1\", job=\"j\"}", SCRAPE_KEPT },
		{ "  relabel_configs: [{source_labels: [x], action: drop, regex: y}]\n", "", SCRAPE_DROPPED },
		{ "  relabel_configs: [{target_label: __address__, replacement: ''}]\n", "a target has no address: \"\"", SCRAPE_REFUSED },
		{ "  relabel_configs: [{target_label: __scheme__, replacement: ftp}]\n",
		  "the scheme is neither http nor https: \"ftp\"", SCRAPE_REFUSED },
		{ "  relabel_configs: [{target_label: __scrape_timeout__, replacement: 2m}]\n",
		  "the scrape timeout is longer than the scrape interval: \"2m\"", SCRAPE_REFUSED },
		{ "  relabel_configs: [{target_label: job, replacement: ''}]\n", "http://h:1/metrics {instance=\"h:1\", x=\"y\"}", SCRAPE_KEPT },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct read read;
		enum scrape_fate fate;
		char text[2048];
		snprintf(text, sizeof text, "scrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1'], labels: {x: y}}]\n%s",
			 cases[i].more);
		good(&read, text);
		const char *found = target_of(&read, &fate);
		CHECK_TEXT(found, cases[i].wanted);
		CHECK_INT(fate, cases[i].fate);
		finish(&read);
	}
}

/* ---- samples ---- */

struct series {
	const struct read *read;
	const struct scrape_target *target;
	struct buf buf;
};

static enum err take(void *context, const struct exposition_item *item, struct error *err)
{
	struct series *series = context;
	struct promql_labels labels;
	struct arena arena;
	arena_init(&arena, 0);
	enum scrape_fate fate = scrape_sample_labels(&series->read->config.jobs.rows[0], series->target, item, &arena, &labels, err);
	if (fate == SCRAPE_KEPT) {
		promql_labels_print_series(labels, &series->buf);
		buf_addc(&series->buf, ';');
	}
	arena_finish(&arena);
	return fate == SCRAPE_REFUSED ? err->code : OK;
}

static const char *series_of(const char *more, const char *exposition)
{
	static char found[2048];
	char text[2048];
	struct read read;
	struct scrape_target target;
	struct error err;
	struct exposition_options options = { .format = EXPOSITION_TEXT };
	snprintf(text, sizeof text, "scrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1'], labels: {x: y}}]\n%s", more);
	good(&read, text);
	const struct scrape_group *group = &read.config.jobs.rows[0].discovery.groups.rows[0];
	CHECK_INT(scrape_target_make(&read.config.jobs.rows[0], NULL, group, group->targets.rows[0], &read.arena, &target, &err),
		  SCRAPE_KEPT);
	struct series series = { .read = &read, .target = &target };
	buf_init(&series.buf, sizeof found);
	enum err r = exposition_read(str_of(exposition), &options, take, &series, &err);
	snprintf(found, sizeof found, "%s", r != OK ? err.text : series.buf.bytes != NULL ? series.buf.bytes : "");
	buf_finish(&series.buf);
	finish(&read);
	return found;
}

TEST(a_series_has_the_labels_of_its_target_and_keeps_what_it_said)
{
	CHECK_TEXT(series_of("", "m{job=\"own\",exported_job=\"e\"} 1\n"),
		   "m{exported_exported_job=\"own\", exported_job=\"e\", instance=\"h:1\", job=\"j\", x=\"y\"};");
	CHECK_TEXT(series_of("  honor_labels: true\n", "m{job=\"own\",instance=\"\"} 1\nn{x=\"\",z=\"\"} 1\n"),
		   "m{job=\"own\", x=\"y\"};n{instance=\"h:1\", job=\"j\"};");
	CHECK_TEXT(series_of("  metric_relabel_configs:\n  - {source_labels: [__name__], action: drop, regex: go_.*}\n"
			     "  - {action: labeldrop, regex: instance|job}\n", "go_x 1\nm 1\n"), "m{x=\"y\"};");
	CHECK_TEXT(series_of("  metric_relabel_configs: [{action: labeldrop, regex: __name__}]\n", "m 1\n"),
		   "relabelling took the name of the series: \"m\"");
}

TEST(a_job_that_takes_only_legacy_names_fails_at_others)
{
	static const char legacy[] = "  metric_name_validation_scheme: legacy\n";
	CHECK_TEXT(series_of("", "{\"m.x\"} 1\n"), "{\"m.x\", instance=\"h:1\", job=\"j\", x=\"y\"};");
	CHECK_TEXT(series_of(legacy, "m:x 1\n"), "m:x{instance=\"h:1\", job=\"j\", x=\"y\"};");
	CHECK_TEXT(series_of(legacy, "{\"m.x\"} 1\n"), "metric_name_validation_scheme is legacy, and a name has other letters: \"m.x\"");
	CHECK_TEXT(series_of(legacy, "m{\"a.b\"=\"c\"} 1\n"), "metric_name_validation_scheme is legacy, and a name has other letters: \"m\"");
}

TEST(a_series_over_a_limit_of_labels_fails_the_scrape)
{
	CHECK_TEXT(series_of("  label_limit: 4\n", "m 1\n"), "m{instance=\"h:1\", job=\"j\", x=\"y\"};");
	CHECK_TEXT(series_of("  label_limit: 4\n", "m{a=\"b\"} 1\n"), "the labels of a series are 5, more than label_limit 4");
	CHECK_TEXT(series_of("  label_name_length_limit: 8\n", "m{ninebytes=\"b\"} 1\n"),
		   "the bytes of a label's name are 9, more than label_name_length_limit 8");
	CHECK_TEXT(series_of("  label_value_length_limit: 3\n", "m{a=\"four\"} 1\n"),
		   "the bytes of a label's value are 4, more than label_value_length_limit 3");
}

/* ---- groups ---- */

TEST(a_file_of_targets_is_read_in_yaml_and_json)
{
	cleanup_arena struct arena arena;
	struct scrape_groups groups;
	arena_init(&arena, 0);
	struct troubles troubles = { .arena = &arena, .source = "t" };
	CHECK_INT(scrape_groups_read(STR("- targets: [a, b]\n  labels: {x: 1}\n- targets: [c]\n"), false, &arena, &groups, &troubles), OK);
	CHECK_INT(groups.list.count, 2);
	CHECK_STR(groups.list.rows[0].labels.rows[0].value, "1");
	CHECK_INT(scrape_groups_read(STR("[{\"targets\":[\"a\"],\"labels\":{\"x\":\"y\"}}]"), true, &arena, &groups, &troubles), OK);
	CHECK_STR(groups.list.rows[0].targets.rows[0], "a");
	CHECK_INT(scrape_groups_read(STR("- targats: [a]\n"), false, &arena, &groups, &troubles), ERR_INVALID);
	CHECK_STR(troubles.rows[0], "t:1:3: unknown key \"targats\"; did you mean \"targets\"?");
	troubles.count = 0;
	CHECK_INT(scrape_groups_read(STR(""), false, &arena, &groups, &troubles), OK);
	CHECK_INT(groups.list.count, 0);
}

TEST(a_refresh_interval_of_zero_is_none_and_the_usual_one_holds)
{
	struct read read;
	good(&read, "scrape_configs:\n- job_name: j\n  http_sd_configs: [{url: 'http://h/', refresh_interval: 0s}]\n"
		    "  dns_sd_configs: [{names: [x], refresh_interval: 0s}]\n  file_sd_configs: [{files: [x.json], refresh_interval: 0}]\n");
	const struct scrape_discovery *found = &read.config.jobs.rows[0].discovery;
	CHECK_INT(found->https.rows[0].refresh_ms, 60000);
	CHECK_INT(found->names.rows[0].refresh_ms, 30000);
	CHECK_INT(found->files.rows[0].refresh_ms, 300000);
	finish(&read);
}

/* ---- too large ---- */

static struct str many(const char *item, size_t count)
{
	struct buf buf;
	size_t length;
	buf_init(&buf, 16u << 20);
	buf_addc(&buf, '[');
	for (size_t i = 0; i < count; i++)
		buf_printf(&buf, "%s%s", i > 0 ? "," : "", item);
	buf_addc(&buf, ']');
	length = buf.used;
	return (struct str){ buf_take(&buf), length };
}

TEST(groups_that_need_more_room_than_there_is_are_refused_and_nothing_ends)
{
	static const char *const items[] = { "{}", "{\"targets\":[\"\",\"\",\"\"]}", "{\"labels\":{\"a\":\"\",\"b\":\"\"}}" };
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		struct str text = many(items[i], 2000);
		for (size_t room = 4096; room < (4u << 20); room += room / 16) {
			cleanup_arena struct arena arena;
			struct scrape_groups groups;
			struct error err;
			arena_init(&arena, room);
			struct troubles troubles = { .arena = &arena, .source = "t" };
			enum err r = scrape_groups_read(text, true, &arena, &groups, &troubles);
			CHECK(r == OK || troubles.count > 0);
			if (r == OK && scrape_groups_label(&groups, &arena, "__meta_url", STR("u"), &err) != OK)
				CHECK_INT(err.code, ERR_TOO_LARGE);
		}
		mem_free((char *)text.ptr);
	}
}

TEST(a_config_that_needs_more_room_than_there_is_is_refused_and_nothing_ends)
{
	struct str jobs = many("{job_name: a, params: {a: [b]}, relabel_configs: [{}], tls_config: {}}", 200);
	cleanup_buf struct buf buf;
	buf_init(&buf, 1u << 20);
	buf_printf(&buf, "scrape_configs: " STR_FMT "\n", STR_ARG(jobs));
	for (size_t room = 4096; room < (2u << 20); room += room / 16) {
		struct read read;
		arena_init(&read.arena, room);
		read.troubles = (struct troubles){ .arena = &read.arena, .source = "p.yml" };
		CHECK_INT(scrape_config_read(buf_str(&buf), &read.arena, &read.config, &read.troubles), ERR_INVALID);
		finish(&read);
	}
	mem_free((char *)jobs.ptr);
}

TEST(a_target_with_labels_that_are_too_large_is_refused)
{
	static char large[9u << 20];
	struct read read;
	memset(large, 'x', sizeof large);
	good(&read, "scrape_configs:\n- job_name: j\n  static_configs: [{targets: ['h:1'], labels: {a: b}}]\n");
	const struct scrape_job *job = &read.config.jobs.rows[0];
	struct scrape_group *group = &job->discovery.groups.rows[0];
	cleanup_arena struct arena arena;
	struct scrape_target target;
	struct error err;
	arena_init(&arena, 16u << 20);
	group->labels.rows[0].value = (struct str){ large, sizeof large };
	CHECK_INT(scrape_target_make(job, NULL, group, STR("h:1"), &arena, &target, &err), SCRAPE_REFUSED);
	CHECK_TEXT(err.text, "the labels of a target are too large");
	finish(&read);
}

TESTS(RUN(a_job_that_takes_only_legacy_names_fails_at_others),
      RUN(a_refresh_interval_of_zero_is_none_and_the_usual_one_holds),
      RUN(groups_that_need_more_room_than_there_is_are_refused_and_nothing_ends),
      RUN(a_config_that_needs_more_room_than_there_is_is_refused_and_nothing_ends),
      RUN(a_target_with_labels_that_are_too_large_is_refused), RUN(every_key_of_a_job_is_read_and_global_fills_in), RUN(what_is_wrong_is_told_with_its_place_and_what_was_meant),
      RUN(a_secret_is_in_no_complaint), RUN(more_troubles_than_are_kept_are_counted),
      RUN(a_target_is_made_of_its_group_its_job_and_relabelling), RUN(a_series_has_the_labels_of_its_target_and_keeps_what_it_said),
      RUN(a_series_over_a_limit_of_labels_fails_the_scrape), RUN(a_file_of_targets_is_read_in_yaml_and_json))
