/* cli_settings.c: see cli_settings.h. */
#include "cli/cli_settings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "sys/file.h"
#include "wire/doc_yaml.h"
#include "wire/json_writer.h"
#include "wire/spec.h"

#define FILE_BYTES_MAX (256u << 10)
#define SERVER_BYTES_MAX 500u
#define TOKEN_BYTES_MAX 500u

/* ---- where the files are ---- */

static enum err folder(struct arena *arena, struct str *ret_path, struct error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (config != NULL && config[0] == '/')
		*ret_path = arena_printf(arena, "%s/mainstay", config);
	else if (home != NULL && home[0] == '/')
		*ret_path = arena_printf(arena, "%s/.config/mainstay", home);
	else
		return error_set(err, ERR_NOT_FOUND, "neither HOME nor XDG_CONFIG_HOME names a folder");
	return OK;
}

static enum err make_folder(struct arena *arena, struct str *ret_path, struct error *err)
{
	enum err r = folder(arena, ret_path, err);
	if (r != OK)
		return r;
	char *path = arena_cstr(arena, *ret_path);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return error_set(err, ERR_IO, "cannot make the folder \"%s\": %s", path,
					 strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_set(err, ERR_IO, "cannot make the folder \"%s\": %s", path, strerror(errno));
	return OK;
}

/* A file that is not there is empty. */
static enum err read_file(struct str path, struct arena *arena, struct str *ret_text, struct error *err)
{
	char *bytes;
	size_t size;
	struct error why;
	enum err r = file_read(arena_cstr(arena, path), FILE_BYTES_MAX, &bytes, &size, &why);
	if (r == ERR_NOT_FOUND) {
		*ret_text = STR_NONE;
		return OK;
	}
	if (r != OK) {
		if (err != NULL)
			*err = why;
		return r;
	}
	*ret_text = arena_str(arena, (struct str){ bytes, size });
	mem_free(bytes);
	return OK;
}

static enum err check_private(struct str path, struct arena *arena, struct error *err)
{
	struct stat about;
	if (stat(arena_cstr(arena, path), &about) != 0 || (about.st_mode & 077) == 0)
		return OK;
	error_set(err, ERR_DENIED, "others can read \"" STR_FMT "\", which holds a secret", STR_ARG(path));
	error_hint(err, "close it: chmod 600 " STR_FMT, STR_ARG(path));
	return ERR_DENIED;
}

/* ---- the server ---- */

enum err cli_server_check(struct str url, struct arena *arena, struct str *ret_url, struct error *err)
{
	bool web = str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	for (size_t i = 0; i < url.len; i++)
		web = web && url.ptr[i] > ' ' && url.ptr[i] != '#' && url.ptr[i] != '?' && url.ptr[i] != '@';
	if (web && url.len <= SERVER_BYTES_MAX && url.len > strlen("https://")) {
		*ret_url = arena_str(arena, url);
		return OK;
	}
	error_set(err, ERR_INVALID, "\"" STR_FMT "\" is not the address of a server", STR_ARG(url));
	error_hint(err, "it looks like https://mainstay.example.org or " CLI_SERVER_DEFAULT);
	return ERR_INVALID;
}

bool cli_server_is_private(struct str url)
{
	static const char *const hosts[] = { "127.", "localhost", "[::1]" };
	if (!str_starts(url, STR("http://")))
		return true;
	struct str host = str_sub(url, strlen("http://"), url.len), name, rest;
	if (str_starts(host, STR("[")))
		return str_starts(host, STR("[::1]"));
	str_cut(host, ':', &name, &rest);
	bool dotted = str_starts(name, str_of(hosts[0]));
	for (size_t i = 0; i < name.len; i++)
		dotted = dotted && ((name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '.');
	return dotted || str_is(name, hosts[1]);
}

/* ---- credentials ---- */

static const struct spec_field credential_fields[] = {
	{ .name = "server", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .max = SERVER_BYTES_MAX,
	  .about = "Whose token it is." },
	{ .name = "token", .type = SPEC_TEXT, .flags = SPEC_REQUIRED | SPEC_SECRET, .min = 1,
	  .max = TOKEN_BYTES_MAX, .about = "The secret." },
	{ .name = "email", .type = SPEC_TEXT, .max = 254, .about = "Who signed in." },
	{ .name = "id", .type = SPEC_INT, .flags = SPEC_REQUIRED, .min = 1, .about = "The token's id." },
	{ .name = NULL },
};
static const struct spec_field credential_row = { .name = "credential", .type = SPEC_OBJECT,
						  .fields = credential_fields,
						  .about = "One server." };
static const struct spec_field credentials_fields[] = {
	{ .name = "servers", .type = SPEC_LIST, .item = &credential_row, .otherwise = "[]",
	  .max = CLI_CREDENTIALS_MAX, .about = "What login got." },
	{ .name = NULL },
};

static enum err read_yaml(struct str path, const struct spec_field *rows, struct arena *arena,
			  const struct doc_node **ret_full, struct error *err)
{
	static const struct doc_node nothing = { .kind = DOC_MAP };
	struct str text;
	const struct doc_node *root;
	const char *source = arena_cstr(arena, path);
	enum err r = read_file(path, arena, &text, err);
	if (r == OK)
		r = doc_yaml_parse(text, arena, DOC_LIMITS_DEFAULT, source, &root, err);
	if (r != OK)
		return r;
	struct spec_errors *errors = arena_new(arena, struct spec_errors);
	spec_errors_init(errors, arena, source);
	if (spec_check(rows, NULL, doc_is(root, DOC_NULL) ? &nothing : root, arena, errors, ret_full, NULL) ==
	    OK)
		return OK;
	struct buf line;
	buf_init(&line, ERROR_TEXT_BYTES);
	spec_error_print(&errors->rows[0], &line);
	error_set(err, ERR_INVALID, STR_FMT, STR_ARG(buf_str(&line)));
	buf_finish(&line);
	return ERR_INVALID;
}

static enum err read_credentials(struct arena *arena, struct str *ret_path,
				 const struct doc_node **ret_list, struct error *err)
{
	struct str path;
	const struct doc_node *root;
	enum err r = folder(arena, &path, err);
	if (r != OK)
		return r;
	path = arena_printf(arena, STR_FMT "/credentials.yaml", STR_ARG(path));
	r = check_private(path, arena, err);
	if (r == OK)
		r = read_yaml(path, credentials_fields, arena, &root, err);
	if (r != OK)
		return r;
	*ret_path = path;
	*ret_list = doc_get(root, "servers");
	return OK;
}

enum err cli_credential_find(struct str server, struct arena *arena, bool *ret_found,
			     struct cli_credential *ret_credential, struct error *err)
{
	struct str path;
	const struct doc_node *list;
	enum err r = read_credentials(arena, &path, &list, err);
	if (r != OK)
		return r;
	*ret_found = false;
	for (size_t i = 0; i < doc_count(list); i++) {
		const struct doc_node *row = doc_at(list, i);
		if (!str_eq(doc_text(doc_get(row, "server"), ""), server))
			continue;
		*ret_found = true;
		*ret_credential = (struct cli_credential){
			.server = server,
			.token = doc_text(doc_get(row, "token"), ""),
			.email = doc_text(doc_get(row, "email"), ""),
			.id = doc_int(doc_get(row, "id"), 0),
		};
	}
	return OK;
}

/* JSON texts are YAML too, and need no thought about quotes. */
static void put_credential(struct buf *out, struct str server, struct str token, struct str email,
			   int64_t id)
{
	buf_adds(out, "- server: ");
	json_quote(out, server);
	buf_adds(out, "\n  token: ");
	json_quote(out, token);
	if (email.len > 0) {
		buf_adds(out, "\n  email: ");
		json_quote(out, email);
	}
	buf_printf(out, "\n  id: %lld\n", (long long)id);
}

enum err cli_credential_keep(const struct cli_credential *credential, struct arena *arena,
			     struct error *err)
{
	struct str path;
	const struct doc_node *list;
	cleanup_buf struct buf out = { 0 };
	enum err r = make_folder(arena, &path, err);
	if (r == OK)
		r = read_credentials(arena, &path, &list, err);
	if (r != OK)
		return r;
	buf_init(&out, FILE_BYTES_MAX);
	buf_adds(&out, "# Made by mainstay login. Whoever reads a token can speak in its owner's name.\n"
		       "servers:\n");
	size_t head = out.used;
	for (size_t i = 0; i < doc_count(list); i++) {
		const struct doc_node *row = doc_at(list, i);
		struct str server = doc_text(doc_get(row, "server"), "");
		if (!str_eq(server, credential->server))
			put_credential(&out, server, doc_text(doc_get(row, "token"), ""),
				       doc_text(doc_get(row, "email"), ""), doc_int(doc_get(row, "id"), 0));
	}
	if (credential->token.len > 0)
		put_credential(&out, credential->server, credential->token, credential->email,
			       credential->id);
	if (out.used == head)
		buf_reset(&out);
	return file_write(arena_cstr(arena, path), buf_str(&out), 0600, err);
}

/* ---- all of them ---- */

static const char *const formats[] = { "table", "json", "yaml", "csv", NULL };
static const struct spec_field config_fields[] = {
	{ .name = "server", .type = SPEC_TEXT, .min = 1, .max = SERVER_BYTES_MAX,
	  .about = "Which server to speak to." },
	{ .name = "ca_file", .type = SPEC_TEXT, .min = 1, .about = "Certificates to trust (PEM)." },
	{ .name = "output", .type = SPEC_CHOICE, .choices = formats, .about = "How to print." },
	{ .name = "insecure_http", .type = SPEC_BOOL,
	  .about = "Send secrets over plain HTTP beyond this machine." },
	{ .name = NULL },
};

/* Flag, environment, file, default: the first that is there. */
static struct str choose(const struct cli_call *call, const char *flag, const char *variable,
			 const struct doc_node *config, const char *key, const char *otherwise)
{
	struct str given = cli_text(call, flag);
	const char *set = variable != NULL ? getenv(variable) : NULL;
	if (given.len > 0)
		return given;
	if (set != NULL && set[0] != '\0')
		return str_of(set);
	return doc_text(doc_get(config, key), otherwise);
}

static enum err read_token(struct cli_call *call, struct error *err)
{
	struct cli_settings *settings = &call->settings;
	struct str file = cli_text(call, "token-file"), given = cli_text(call, "token");
	struct cli_credential kept;
	bool found = false;
	const char *set = getenv("MAINSTAY_TOKEN");
	enum err r = OK;
	if (given.len > 0) {
		settings->token = given;
	} else if (file.len > 0) {
		r = check_private(file, &call->arena, err);
		if (r == OK)
			r = read_file(file, &call->arena, &settings->token, err);
		settings->token = str_trim(settings->token);
		if (r == OK && settings->token.len == 0)
			r = error_set(err, ERR_INVALID, "there is no token in \"" STR_FMT "\"", STR_ARG(file));
	} else if (set != NULL && set[0] != '\0') {
		settings->token = str_of(set);
	} else {
		r = cli_credential_find(settings->server, &call->arena, &found, &kept, err);
		if (found)
			settings->token = kept.token;
		if (r == ERR_NOT_FOUND)
			r = OK; /* no home, no credentials */
	}
	return r;
}

static enum err choose_format(struct cli_call *call, const struct doc_node *config, struct error *err)
{
	struct str text = choose(call, "output", "MAINSTAY_OUTPUT", config, "output", "");
	call->settings.chosen = text.len > 0;
	for (unsigned i = 0; formats[i] != NULL; i++) {
		if (text.len == 0 || str_is(text, formats[i])) {
			call->settings.format = (enum cli_format)i;
			return OK;
		}
	}
	return error_set(err, ERR_INVALID, "MAINSTAY_OUTPUT is \"" STR_FMT "\": it is one of "
					   "table, json, yaml, csv", STR_ARG(text));
}

enum err cli_settings_read(struct cli_call *call, struct error *err)
{
	struct cli_settings *settings = &call->settings;
	const struct doc_node *config = NULL;
	struct str path, ca;
	enum err r = OK;
	if (folder(&call->arena, &path, NULL) == OK)
		r = read_yaml(arena_printf(&call->arena, STR_FMT "/cli.yaml", STR_ARG(path)), config_fields,
			      &call->arena, &config, err);
	if (r == OK)
		r = cli_server_check(choose(call, "server", "MAINSTAY_SERVER", config, "server",
					    CLI_SERVER_DEFAULT),
				     &call->arena, &settings->server, err);
	if (r == OK)
		r = choose_format(call, config, err);
	if (r != OK)
		return r;
	ca = choose(call, "ca-file", "MAINSTAY_CA_FILE", config, "ca_file", "");
	settings->ca_file = ca.len > 0 ? arena_cstr(&call->arena, ca) : NULL;
	settings->insecure_http = cli_switch(call, "insecure-http") ||
				  doc_bool(doc_get(config, "insecure_http"), false);
	return read_token(call, err);
}
