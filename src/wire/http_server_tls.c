/*
 * http_server_tls.c: the certificate, read from files, replaced while serving.
 *
 * GnuTLS asks for certificate and key at each handshake and expects them to stay until the session
 * ends, so each connection holds a reference to the pair it was given. A new pair is checked whole
 * before it replaces the old one; a bad one leaves the old in use.
 */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"

#define CHAIN_MAX 8
#define KEY_ID_BYTES 64

struct http_tls_pair {
	atomic_int refs;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_count;
	gnutls_privkey_t key;
};

/* What tells that a file was replaced. */
struct stamp {
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct http_tls {
	char *cert_path, *key_path;
	pthread_mutex_t mutex;
	struct http_tls_pair *pair;
	struct stamp cert_stamp, key_stamp; /* of what was last looked at, good or bad */
};

const char *http_tls_priorities(void)
{
	return "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";
}

static void pair_unref(struct http_tls_pair *pair)
{
	if (pair == NULL || atomic_fetch_sub(&pair->refs, 1) > 1)
		return;
	for (unsigned i = 0; i < pair->chain_count; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key != NULL)
		gnutls_privkey_deinit(pair->key);
	mem_free(pair);
}

void http_tls_release(struct http_connection *connection)
{
	pair_unref(connection->tls_pair);
	connection->tls_pair = NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

static enum err load_chain(struct http_tls_pair *pair, const char *path, struct error *err)
{
	unsigned count = CHAIN_MAX;
	int result = gnutls_pcert_list_import_x509_file(pair->chain, &count, path,
							GNUTLS_X509_FMT_PEM, NULL, NULL, 0);
	if (result < 0)
		return error_set(err, ERR_INVALID, "could not read the certificate file \"%s\": %s",
				 path, gnutls_strerror(result));
	pair->chain_count = count;
	return OK;
}

static enum err load_key(struct http_tls_pair *pair, const char *path, struct error *err)
{
	gnutls_datum_t text = { 0 };
	int result = gnutls_load_file(path, &text);
	if (result == 0)
		result = gnutls_privkey_init(&pair->key);
	if (result == 0)
		result = gnutls_privkey_import_x509_raw(pair->key, &text, GNUTLS_X509_FMT_PEM,
							NULL, 0);
	if (text.data != NULL) {
		gnutls_memset(text.data, 0, text.size);
		gnutls_free(text.data);
	}
	if (result != 0)
		return error_set(err, ERR_INVALID, "could not read the key file \"%s\": %s", path,
				 gnutls_strerror(result));
	return OK;
}

static bool key_fits(const struct http_tls_pair *pair)
{
	unsigned char of_cert[KEY_ID_BYTES], of_key[KEY_ID_BYTES];
	size_t cert_size = sizeof of_cert, key_size = sizeof of_key;
	gnutls_pubkey_t public;
	if (gnutls_pubkey_init(&public) != 0)
		return false;
	bool fits = gnutls_pubkey_import_privkey(public, pair->key, 0, 0) == 0 &&
		    gnutls_pubkey_get_key_id(public, 0, of_key, &key_size) == 0 &&
		    gnutls_pubkey_get_key_id(pair->chain[0].pubkey, 0, of_cert, &cert_size) == 0 &&
		    key_size == cert_size && memcmp(of_key, of_cert, key_size) == 0;
	gnutls_pubkey_deinit(public);
	return fits;
}

static enum err pair_load(const struct http_tls *tls, struct http_tls_pair **ret_pair,
			  struct error *err)
{
	struct http_tls_pair *pair = mem_alloc(sizeof *pair);
	atomic_init(&pair->refs, 1);
	enum err result = load_chain(pair, tls->cert_path, err);
	if (result == OK)
		result = load_key(pair, tls->key_path, err);
	if (result == OK && !key_fits(pair)) {
		result = error_set(err, ERR_INVALID,
				   "the key in \"%s\" does not belong to the certificate in \"%s\"",
				   tls->key_path, tls->cert_path);
		error_hint(err, "give the key the certificate was made for");
	}
	if (result != OK) {
		pair_unref(pair);
		return result;
	}
	*ret_pair = pair;
	return OK;
}

/* --- replacing ---------------------------------------------------------------------------- */

static struct stamp stamp_of(const char *path)
{
	struct stat at;
	if (stat(path, &at) != 0)
		return (struct stamp){ 0 };
	return (struct stamp){ at.st_mtim, at.st_ino, at.st_size };
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

enum err http_tls_reload(struct http_tls *tls, struct error *err)
{
	struct stamp cert = stamp_of(tls->cert_path), key = stamp_of(tls->key_path);
	struct http_tls_pair *pair = NULL;
	enum err result = pair_load(tls, &pair, err);
	pthread_mutex_lock(&tls->mutex);
	tls->cert_stamp = cert;
	tls->key_stamp = key;
	struct http_tls_pair *old = result == OK ? tls->pair : NULL;
	if (result == OK)
		tls->pair = pair;
	pthread_mutex_unlock(&tls->mutex);
	pair_unref(old);
	return result;
}

/* Both files are replaced one after the other; a look in between finds a pair that does not fit, keeps
 * the old one and tries again when the second file changes. */
void http_tls_look(struct http_tls *tls)
{
	struct stamp cert = stamp_of(tls->cert_path), key = stamp_of(tls->key_path);
	pthread_mutex_lock(&tls->mutex);
	bool same = same_stamp(&cert, &tls->cert_stamp) && same_stamp(&key, &tls->key_stamp);
	pthread_mutex_unlock(&tls->mutex);
	if (same)
		return;
	struct error err;
	if (http_tls_reload(tls, &err) == OK)
		log_write(LOG_INFO, "read the changed TLS certificate", NULL);
	else
		log_write(LOG_WARNING, "kept the old TLS certificate", "reason=\"%s\"", err.text);
}

enum err http_tls_create(struct http_server *server, struct http_tls **ret_tls, struct error *err)
{
	struct http_tls *tls = mem_alloc(sizeof *tls);
	tls->cert_path = mem_strdup(server->config.tls_cert);
	tls->key_path = mem_strdup(server->config.tls_key);
	pthread_mutex_init(&tls->mutex, NULL);
	enum err result = http_tls_reload(tls, err);
	if (result != OK) {
		http_tls_destroy(&tls);
		return result;
	}
	*ret_tls = tls;
	return OK;
}

void http_tls_destroy(struct http_tls **tls)
{
	if (*tls == NULL)
		return;
	pair_unref((*tls)->pair);
	pthread_mutex_destroy(&(*tls)->mutex);
	mem_free((*tls)->cert_path);
	mem_free((*tls)->key_path);
	mem_free(*tls);
	*tls = NULL;
}

/* --- the handshake ------------------------------------------------------------------------ */

/* GnuTLS has no context for us here; the library puts its connection into the session, and ours
 * hangs on that. */
static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
		    const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
		    gnutls_pcert_st **ret_chain, unsigned *ret_length, gnutls_privkey_t *ret_key)
{
	struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (info == NULL || info->socket_context == NULL)
		return -1;
	struct http_connection *connection = info->socket_context;
	if (connection->tls_pair == NULL) {
		struct http_tls *tls = connection->tls;
		pthread_mutex_lock(&tls->mutex);
		connection->tls_pair = tls->pair;
		atomic_fetch_add(&tls->pair->refs, 1);
		pthread_mutex_unlock(&tls->mutex);
	}
	*ret_chain = connection->tls_pair->chain;
	*ret_length = connection->tls_pair->chain_count;
	*ret_key = connection->tls_pair->key;
	return 0;
}

http_tls_retrieve_fn *http_tls_callback(void)
{
	return retrieve;
}
