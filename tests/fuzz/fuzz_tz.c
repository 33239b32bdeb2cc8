/*
 * fuzz_tz.c: any bytes as a time zone. What is accepted must answer without leaving its bounds, and
 * first and last must stand in order.
 */
#include <assert.h>
#include <stdint.h>

#include "base/tz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct tz *tz;
	if (tz_create((struct str){ (const char *)bytes, size }, &tz, NULL) != OK)
		return 0;
	static const time_us walls[] = { TIME_MIN, -1, 0, INT64_C(1772937000) * TIME_SECOND,
					 INT64_C(4102444800) * TIME_SECOND, TIME_MAX };
	for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
		time_us found[TZ_INSTANTS_MAX], change;
		unsigned count = tz_instants(tz, walls[i], found);
		for (unsigned k = 0; k < count; k++)
			assert(tz_wall_of(tz, found[k]) == walls[i]);
		assert(tz_first(tz, walls[i]) <= tz_last(tz, walls[i]));
		assert(tz_local_of(tz, walls[i]).abbreviation != NULL);
		if (tz_next_change(tz, walls[i], &change))
			assert(change > walls[i]);
	}
	tz_destroy(&tz);
	return 0;
}
