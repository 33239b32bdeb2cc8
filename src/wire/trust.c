/* trust.c: see trust.h. */
#include "wire/trust.h"

#include <assert.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>

#include "base/mem.h"

struct trust {
	gnutls_x509_trust_list_t list;
	bool read; /* the system's authorities wait for the first certificate */
};

enum err trust_create(const char *ca_file, struct trust **ret_trust, struct error *err)
{
	struct trust *trust = mem_alloc(sizeof *trust);
	int failed = gnutls_x509_trust_list_init(&trust->list, 0);
	assert(failed == 0);
	trust->read = ca_file != NULL;
	int count = ca_file == NULL ? 0
				    : gnutls_x509_trust_list_add_trust_file(trust->list, ca_file, NULL,
									    GNUTLS_X509_FMT_PEM, 0, 0);
	if (ca_file != NULL && count <= 0) {
		trust_destroy(&trust);
		return error_set(err, count == GNUTLS_E_FILE_ERROR ? ERR_NOT_FOUND : ERR_INVALID,
		                 "could not read certificate authorities from \"%s\": %s", ca_file,
		                 count == 0 ? "there is none in it" : gnutls_strerror(count));
	}
	*ret_trust = trust;
	return OK;
}

enum err trust_create_pem(struct str pem, struct trust **ret_trust, struct error *err)
{
	struct trust *trust = mem_alloc(sizeof *trust);
	const gnutls_datum_t text = { (unsigned char *)pem.ptr, (unsigned)pem.len };
	int failed = gnutls_x509_trust_list_init(&trust->list, 0);
	assert(failed == 0);
	trust->read = true;
	int count = gnutls_x509_trust_list_add_trust_mem(trust->list, &text, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (count <= 0) {
		trust_destroy(&trust);
		return error_set(err, ERR_INVALID, "could not read certificate authorities: %s",
				 count == 0 ? "there is none in the text" : gnutls_strerror(count));
	}
	*ret_trust = trust;
	return OK;
}

void trust_destroy(struct trust **trust)
{
	if (*trust == NULL)
		return;
	gnutls_x509_trust_list_deinit((*trust)->list, 1);
	mem_free(*trust);
	*trust = NULL;
}

struct reason {
	unsigned flag;
	const char *text;
};

/* The first that matches is the one to tell: what its owner would repair first. */
static const struct reason reasons[] = {
	{ GNUTLS_CERT_EXPIRED, "the certificate has expired" },
	{ GNUTLS_CERT_NOT_ACTIVATED, "the certificate is not valid yet" },
	{ GNUTLS_CERT_REVOKED, "the certificate was revoked" },
	{ GNUTLS_CERT_UNEXPECTED_OWNER, "the certificate is for another name" },
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, "the certificate's issuer is not trusted, or an intermediate "
	                                "certificate is missing" },
	{ GNUTLS_CERT_SIGNER_NOT_CA, "the certificate was signed by one that may not sign" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, "the certificate uses an insecure algorithm" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, "the certificate is not made for servers" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "the certificate's signature is wrong" },
};

static void explain(unsigned status, const char *host, char *ret_text, size_t size)
{
	const char *text = "the certificate cannot be verified";
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (status & reasons[i].flag) {
			text = reasons[i].text;
			break;
		}
	}
	snprintf(ret_text, size, "%s (\"%.120s\")", text, host);
}

/* A machine without the package of authorities can still watch plain HTTP: the checks that need trust
 * say what is missing. */
static void read_system(struct trust *trust)
{
	if (!trust->read)
		gnutls_x509_trust_list_add_system_trust(trust->list, 0, 0);
	trust->read = true;
}

static void verify(struct trust *trust, gnutls_x509_crt_t *chain, unsigned count, const char *host,
                   struct certificate *certificate)
{
	gnutls_typed_vdata_st wanted[2] = {
		{ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (void *)host },
		{ .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)GNUTLS_KP_TLS_WWW_SERVER },
	};
	unsigned status = 0;
	read_system(trust);
	int failed = gnutls_x509_trust_list_verify_crt2(trust->list, chain, count, wanted, 2, 0,
	                                                &status, NULL);
	certificate->trusted = failed == 0 && status == 0;
	if (!certificate->trusted)
		explain(status, host, certificate->problem, sizeof certificate->problem);
}

/* A name longer than our text is cut, and GnuTLS would give nothing: so ask for it whole first. */
static void take_name(int (*get)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned),
                      gnutls_x509_crt_t crt, char ret_text[CERTIFICATE_TEXT_BYTES])
{
	gnutls_datum_t name = { NULL, 0 };
	ret_text[0] = '\0';
	if (get(crt, &name, 0) != 0)
		return;
	snprintf(ret_text, CERTIFICATE_TEXT_BYTES, "%.*s", (int)name.size, (const char *)name.data);
	gnutls_free(name.data);
}

bool trust_examine(struct trust *trust, void *session, const char *host,
                   struct certificate *ret_certificate)
{
	unsigned count = 0;
	if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_SERVER) != GNUTLS_CRT_X509)
		return false;
	const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &count);
	if (raw == NULL || count == 0)
		return false;
	if (count > CERTIFICATE_CHAIN_MAX)
		count = CERTIFICATE_CHAIN_MAX;
	gnutls_x509_crt_t chain[CERTIFICATE_CHAIN_MAX];
	unsigned read = 0;
	for (; read < count; read++) {
		gnutls_x509_crt_init(&chain[read]);
		if (gnutls_x509_crt_import(chain[read], &raw[read], GNUTLS_X509_FMT_DER) != 0) {
			gnutls_x509_crt_deinit(chain[read]);
			break;
		}
	}
	if (read > 0) {
		struct certificate certificate = { .trusted = false };
		take_name(gnutls_x509_crt_get_dn3, chain[0], certificate.subject);
		take_name(gnutls_x509_crt_get_issuer_dn3, chain[0], certificate.issuer);
		certificate.not_before = gnutls_x509_crt_get_activation_time(chain[0]) * TIME_SECOND;
		certificate.not_after = gnutls_x509_crt_get_expiration_time(chain[0]) * TIME_SECOND;
		verify(trust, chain, read, host, &certificate);
		*ret_certificate = certificate;
	}
	for (unsigned i = 0; i < read; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return read > 0;
}

int certificate_days_left(const struct certificate *certificate, time_us now)
{
	time_us left = certificate->not_after - now;
	time_us days = left / TIME_DAY;
	if (left < 0 && left % TIME_DAY != 0)
		days--;
	return (int)days;
}
