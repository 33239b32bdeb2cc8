/* scrape_config_verbs.c: a prometheus.yml looked at without a server. See scrape_verbs.h; exit status and order are promtool's. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "main/rule_verbs.h"
#include "monitor/scrape_files.h"
#include "main/scrape_verbs.h"
#include "monitor/scrape_target.h"

#define ARENA_BYTES ((size_t)1 << 30)
#define LINE_BYTES_MAX (4u << 20)
#define RULE_FILES_MAX 1000u

static int usage(const struct verb *verb)
{
	fprintf(stderr, "usage: mainstay %s\n", verb->usage);
	return 2;
}

/* One config under check: what was found goes into `said`, because the verdict stands before it. */
struct look {
	const char *path;
	struct arena *arena;
	struct scrape_config *config;
	struct buf said;
	size_t wrong;
	const char *rule_files[RULE_FILES_MAX];
	size_t rule_count;
	const struct scrape_job *job;             /* whose discovery is looked at: one of the two */
	const struct scrape_alertmanager *manager;
};

static void complain(struct look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct look *look, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	buf_printf(&look->said, "    %s\n", text);
	look->wrong++;
}

static void tell_troubles(struct look *look, const struct troubles *troubles)
{
	for (size_t i = 0; i < troubles->count && i < TROUBLES_MAX; i++)
		complain(look, STR_FMT, STR_ARG(troubles->rows[i]));
	if (troubles->count > TROUBLES_MAX)
		complain(look, "and %zu more", troubles->count - (size_t)TROUBLES_MAX);
}

/* ---- files that must be there ---- */

static void want_file(struct look *look, struct scrape_place place, const char *what, struct str path, bool must)
{
	struct stat found;
	const char *whole = scrape_file_path(look->arena, look->path, path);
	if (path.len == 0 || stat(whole, &found) == 0)
		return;
	if (must)
		complain(look, "%s:%u:%u: the %s \"%s\" is not there", look->path, place.line, place.column, what, whole);
	else
		printf("  WARNING: %s:%u: the %s \"%s\" is not there\n", look->path, place.line, what, whole);
}

static void look_at_tls(struct look *look, const struct scrape_tls *tls)
{
	if (tls == NULL)
		return;
	want_file(look, tls->place, "cert_file", tls->cert_file, true);
	want_file(look, tls->place, "key_file", tls->key_file, true);
	want_file(look, tls->place, "ca_file", tls->ca_file, false);
}

static void look_at_http(struct look *look, struct scrape_place place, const struct scrape_http *http)
{
	want_file(look, place, "bearer_token_file", http->bearer_token_file, true);
	if (http->authorization != NULL)
		want_file(look, http->authorization->place, "credentials_file", http->authorization->credentials_file, true);
	if (http->basic_auth != NULL) {
		want_file(look, http->basic_auth->place, "password_file", http->basic_auth->password_file, false);
		want_file(look, http->basic_auth->place, "username_file", http->basic_auth->username_file, false);
	}
	if (http->oauth2 != NULL) {
		want_file(look, http->oauth2->place, "client_secret_file", http->oauth2->client_secret_file, false);
		look_at_tls(look, http->oauth2->tls);
	}
	look_at_tls(look, http->tls);
}

/* ---- targets ---- */

static void look_at_group(struct look *look, const char *source, const struct scrape_group *group)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < group->targets.count; i++) {
		struct scrape_target target;
		struct error err;
		arena_reset(&arena);
		if (scrape_target_make(look->job, look->manager, group, group->targets.rows[i], &arena, &target, &err) ==
		    SCRAPE_REFUSED)
			complain(look, "%s:%u:%u: target \"" STR_FMT "\": %s", source, group->place.line, group->place.column,
				 STR_ARG(group->targets.rows[i]), err.text);
	}
}

static void look_at_target_file(void *context, const char *path)
{
	struct look *look = context;
	struct scrape_groups groups;
	struct troubles troubles;
	if (scrape_files_groups(path, look->arena, &groups, &troubles) != OK)
		tell_troubles(look, &troubles);
	else
		for (size_t i = 0; i < groups.list.count; i++)
			look_at_group(look, path, &groups.list.rows[i]);
}

static void look_at_discovery(struct look *look, const struct scrape_discovery *discovery)
{
	for (size_t i = 0; i < discovery->groups.count; i++)
		look_at_group(look, look->path, &discovery->groups.rows[i]);
	for (size_t i = 0; i < discovery->files.count; i++)
		for (size_t f = 0; f < discovery->files.rows[i].files.count; f++) {
			struct str pattern = discovery->files.rows[i].files.rows[f];
			if (scrape_files_each(look->path, pattern, look_at_target_file, look) == 0)
				printf("  WARNING: %s:%u: no file \"" STR_FMT "\" for file_sd_configs is there\n", look->path,
				       discovery->files.rows[i].place.line, STR_ARG(pattern));
		}
	for (size_t i = 0; i < discovery->https.count; i++)
		look_at_http(look, discovery->https.rows[i].place, &discovery->https.rows[i].http);
}

/* ---- the whole ---- */

static void note_rule_file(void *context, const char *path)
{
	struct look *look = context;
	if (look->rule_count < RULE_FILES_MAX)
		look->rule_files[look->rule_count++] = arena_cstr(look->arena, str_of(path));
	else
		complain(look, "more than %u rule files", RULE_FILES_MAX);
}

static void look_at_files(struct look *look)
{
	const struct scrape_config *config = look->config;
	for (size_t i = 0; i < config->rule_files.count; i++) {
		struct str pattern = config->rule_files.rows[i];
		size_t found = scrape_files_each(look->path, pattern, note_rule_file, look);
		if (found == 0 && !str_has(pattern, '*'))
			complain(look, "%s: \"%s\" in \"rule_files\" is no file that is there", look->path,
				 scrape_file_path(look->arena, look->path, pattern));
	}
	for (size_t i = 0; i < config->jobs.count; i++) {
		look->job = &config->jobs.rows[i];
		look_at_http(look, look->job->place, &look->job->http);
		look_at_discovery(look, &look->job->discovery);
	}
	look->job = NULL;
	for (size_t i = 0; i < config->alerting.managers.count; i++) {
		look->manager = &config->alerting.managers.rows[i];
		look_at_http(look, look->manager->place, &look->manager->http);
		look_at_discovery(look, &look->manager->discovery);
	}
}

static bool check_config_file(const char *path, bool syntax_only)
{
	cleanup_arena struct arena arena;
	struct scrape_config config;
	struct troubles troubles;
	struct look look = { .path = path, .arena = &arena, .config = &config };
	arena_init(&arena, ARENA_BYTES);
	buf_init(&look.said, LINE_BYTES_MAX);
	printf("Checking %s\n", path);
	if (scrape_files_load(path, &arena, &config, &troubles) != OK)
		tell_troubles(&look, &troubles);
	else if (!syntax_only)
		look_at_files(&look);
	for (size_t i = 0; i < config.unused_count; i++)
		printf("  NOTE: \"%s\" belongs to Prometheus' own server; nothing reads it here\n", config.unused[i]);
	fflush(stdout);
	bool good = look.wrong == 0;
	if (good)
		printf("  SUCCESS: %zu scrape configs, %zu rule files\n", config.jobs.count, look.rule_count);
	else
		fprintf(stderr, "  FAILED:\n%s", look.said.bytes);
	for (size_t i = 0; good && i < look.rule_count; i++)
		good &= check_rule_file(look.rule_files[i]);
	scrape_config_finish(&config);
	buf_finish(&look.said);
	return good;
}

int run_check_scrape_config(const struct verb *verb, int argc, char **argv)
{
	bool syntax_only = argc > 1 && strcmp(argv[1], "--syntax-only") == 0, good = true;
	int first = 1 + syntax_only;
	if (argc <= first || argv[first][0] == '-')
		return usage(verb);
	for (int i = first; i < argc; i++)
		good &= check_config_file(argv[i], syntax_only);
	return good ? 0 : 1;
}

