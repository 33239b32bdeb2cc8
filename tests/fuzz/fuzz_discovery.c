/*
 * fuzz_discovery.c: any bytes as a line of /proc/net/tcp and as a process's arguments. Asserts bounds, and
 * that what is shown of arguments is text.
 */
#include <string.h>

#include "fuzz.h"
#include "monitor/monitor_discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct discovered item;
	char shown[256];
	for (int v6 = 0; v6 < 2; v6++) {
		if (discovery_parse_line(text, v6, &item))
			PROMISE(item.port > 0);
	}
	discovery_mask(text, shown, sizeof shown);
	PROMISE(strlen(shown) < sizeof shown);
	return 0;
}
