/*
 * fuzz_egress.c: any bytes as a URL that somebody wants called. Asserts that what is let through is http
 * or https, names a host and a port, and that a literal address passes the same policy again.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/egress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct egress_policy policy = egress_policy_webhooks();
	struct egress_target target, again;
	if (egress_check_url(&policy, (struct str){ (const char *)data, size }, &target, NULL) != OK)
		return 0;
	PROMISE(target.port != 0);
	PROMISE(target.host[0] != '\0');
	PROMISE(strncmp(target.url, target.https ? "https://" : "http://", target.https ? 8 : 7) == 0);
	PROMISE(strchr(target.url, '@') == NULL || strchr(target.url, '@') > strchr(target.url + 8, '/'));
	PROMISE(egress_check_url(&policy, str_of(target.url), &again, NULL) == OK);
	PROMISE(strcmp(again.host, target.host) == 0);
	PROMISE(again.port == target.port);
	return 0;
}
