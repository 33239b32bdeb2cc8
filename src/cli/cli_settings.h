/*
 * cli_settings.h: which server, and who speaks to it.
 *
 * A flag wins over the environment, that over cli.yaml, that over the default. What `login` got is
 * kept in credentials.yaml, one row a server, and is never sent to another server than its own.
 *
 *	~/.config/mainstay/cli.yaml          server, ca_file, output, insecure_http (XDG_CONFIG_HOME)
 *	~/.config/mainstay/credentials.yaml  0600
 */
#pragma once

#include "cli/cli_priv.h"

#define CLI_SERVER_DEFAULT "http://127.0.0.1:8484"
#define CLI_CREDENTIALS_MAX 100u

struct cli_credential {
	struct str server, token, email;
	int64_t id; /* of the token, to revoke it */
};

/* ERR_INVALID: a setting is wrong. ERR_DENIED: a secret lies open to others. */
enum err cli_settings_read(struct cli_call *call, struct error *err);

/* ERR_INVALID for what is not an address of a server. The result has no slash at the end. */
enum err cli_server_check(struct str url, struct arena *arena, struct str *ret_url, struct error *err);

/* Plain HTTP to this machine only. */
bool cli_server_is_private(struct str url);

/* *ret_found tells. */
enum err cli_credential_find(struct str server, struct arena *arena, bool *ret_found,
			     struct cli_credential *ret_credential, struct error *err);
/* Replaces the row of that server; a token of length 0 removes it. */
enum err cli_credential_keep(const struct cli_credential *credential, struct arena *arena,
			     struct error *err);
