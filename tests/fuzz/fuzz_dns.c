/* fuzz_dns.c: any bytes as the answer of a name server, to questions of every type. Asserts what
 * dns_message.h promises: bounded texts, and nothing that was not asked. */
#include <string.h>

#include "fuzz.h"
#include "wire/dns_message.h"

static const uint16_t types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA,
				  DNS_SRV, DNS_CAA };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_answer answer;
	uint8_t query[DNS_QUERY_BYTES_MAX];
	size_t query_size;
	struct error err = { 0 };
	if (size < 2)
		return 0;
	uint16_t id = (uint16_t)(data[0] << 8 | data[1]);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		PROMISE(dns_query_write(STR("example.org"), types[i], id, query, &query_size, &err) == OK);
		enum err r = dns_answer_read(data, size, query, query_size, &answer, &err);
		PROMISE(r == OK || r == ERR_NOT_FOUND || r == ERR_CORRUPT);
		PROMISE(r != OK || answer.count <= DNS_ANSWERS_MAX);
		for (unsigned j = 0; r == OK && j < answer.count; j++)
			PROMISE(memchr(answer.texts[j], '\0', DNS_ANSWER_BYTES) != NULL);
	}
	struct str text = { (const char *)data, size > 300 ? 300 : size };
	if (dns_query_write(text, DNS_A, id, query, &query_size, &err) == OK)
		PROMISE(query_size <= DNS_QUERY_BYTES_MAX);
	return 0;
}
