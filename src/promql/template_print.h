/*
 * template_print.h: one value on its way into a buffer, with the flags of its verb. Of template_format.c and template_number.c.
 */
#pragma once

#include "promql/template_priv.h"

struct printer {
	struct buf *out;
	bool plus, minus, sharp, space, zero, plus_v, sharp_v, has_width, has_precision;
	bool erroring; /* inside %!verb(...): nothing there prints itself */
	int width, precision;
};

/* As wide as the flags want it. */
void printer_pad(struct printer *p, struct str text);
void printer_fill(struct printer *p, long count);
struct str printer_cut(const struct printer *p, struct str text); /* to the precision, in letters */
void printer_bad_verb(struct printer *p, const struct template_value *value, uint32_t verb);
void printer_value(struct printer *p, const struct template_value *value, uint32_t verb, unsigned depth);
void printer_quote_ascii(struct str text, struct buf *buf);
/* template_number.c */
void printer_whole(struct printer *p, const struct template_value *value, uint32_t verb);
void printer_float(struct printer *p, const struct template_value *value, uint32_t verb);
void printer_base(struct printer *p, int64_t number, bool is_signed, unsigned base, uint32_t verb);
