/*
 * template_format.c: how Go prints values: print, println, printf, with its words for verbs that do not fit.
 *
 * A pointer inside another value prints as an address in Go; here that is always the same one, so that an annotation does
 * not change from one evaluation to the next.
 */
#include <string.h>

#include "promql/template_print.h"

#define NUMBER_MAX 1000000 /* of a width or a precision, as in Go */
#define ADDRESS 0xc000010000LL

/* ---- padding ---- */

static size_t runes_of(struct str text)
{
	size_t runes = 0;
	for (size_t at = 0; at < text.len; runes++)
		rune_next(text, &at);
	return runes;
}

void printer_fill(struct printer *p, long count)
{
	for (; count > 0 && !p->out->full; count--)
		buf_addc(p->out, p->zero && !p->minus ? '0' : ' ');
}

void printer_pad(struct printer *p, struct str text)
{
	long missing = p->has_width ? p->width - (long)runes_of(text) : 0;
	if (!p->minus)
		printer_fill(p, missing);
	buf_add(p->out, text);
	if (p->minus)
		printer_fill(p, missing);
}

struct str printer_cut(const struct printer *p, struct str text)
{
	size_t at = 0;
	if (!p->has_precision)
		return text;
	for (int runes = 0; runes < p->precision && at < text.len; runes++)
		rune_next(text, &at);
	return str_sub(text, 0, at);
}

/* ---- what does not fit ---- */

void printer_bad_verb(struct printer *p, const struct template_value *value, uint32_t verb)
{
	bool before = p->erroring;
	p->erroring = true;
	buf_adds(p->out, "%!");
	rune_put(verb, p->out);
	buf_addc(p->out, '(');
	if (value->type <= TEMPLATE_NIL) {
		buf_adds(p->out, "<nil>");
	} else {
		buf_printf(p->out, "%s=", template_type_name(value->type));
		printer_value(p, value, 'v', 0);
	}
	buf_addc(p->out, ')');
	p->erroring = before;
}

/* ---- texts ---- */

void printer_quote_ascii(struct str text, struct buf *buf)
{
	cleanup_buf struct buf quoted;
	buf_init(&quoted, TEMPLATE_OUT_BYTES_MAX);
	promql_quote(text, &quoted);
	struct str all = buf_str(&quoted);
	for (size_t at = 0; at < all.len && !buf->full;) {
		uint32_t rune = rune_next(all, &at);
		if (rune < 0x80)
			buf_addc(buf, (char)rune);
		else
			buf_printf(buf, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
	}
}

static bool can_backquote(struct str text)
{
	for (size_t at = 0; at < text.len;) {
		size_t from = at;
		uint32_t rune = rune_next(text, &at);
		if (rune == 0xfeff || (rune == 0xfffd && at == from + 1) || (rune < 0x20 && rune != '\t') || rune == '`' ||
		    rune == 0x7f)
			return false;
	}
	return true;
}

static void print_quoted(struct printer *p, struct str text)
{
	cleanup_buf struct buf quoted;
	buf_init(&quoted, TEMPLATE_OUT_BYTES_MAX);
	text = printer_cut(p, text);
	if (p->sharp && can_backquote(text))
		buf_printf(&quoted, "`" STR_FMT "`", STR_ARG(text));
	else if (p->plus)
		printer_quote_ascii(text, &quoted);
	else
		promql_quote(text, &quoted);
	printer_pad(p, buf_str(&quoted));
}

static void print_hex(struct printer *p, struct str text, bool upper)
{
	size_t count = p->has_precision && (size_t)p->precision < text.len ? (size_t)p->precision : text.len;
	const char *mark = upper ? "0X" : "0x";
	if (count == 0) {
		printer_fill(p, p->has_width ? p->width : 0);
		return;
	}
	long width = 2 * (long)count + (p->space ? (p->sharp ? 2 * (long)count : 0) + (long)count - 1 : p->sharp ? 2 : 0);
	long missing = p->has_width ? p->width - width : 0;
	if (!p->minus)
		printer_fill(p, missing);
	for (size_t i = 0; i < count && !p->out->full; i++) {
		buf_adds(p->out, p->space && i > 0 ? " " : "");
		buf_adds(p->out, p->sharp && (i == 0 || p->space) ? mark : "");
		buf_printf(p->out, upper ? "%02X" : "%02x", (uint8_t)text.ptr[i]);
	}
	if (p->minus)
		printer_fill(p, missing);
}

/* False: the verb is none of a text. */
static bool print_text(struct printer *p, struct str text, uint32_t verb)
{
	if (verb == 'q' || (verb == 'v' && p->sharp_v))
		print_quoted(p, text);
	else if (verb == 'v' || verb == 's')
		printer_pad(p, printer_cut(p, text));
	else if (verb == 'x' || verb == 'X')
		print_hex(p, text, verb == 'X');
	else
		return false;
	return true;
}

/* ---- maps, lists, structures ---- */

static void print_nested(struct printer *p, const struct template_value *value, uint32_t verb, unsigned depth)
{
	if (p->out->full)
		return;
	if (value->type <= TEMPLATE_NIL)
		buf_adds(p->out, p->sharp_v ? "interface {}(nil)" : "<nil>");
	else
		printer_value(p, value, verb, depth + 1);
}

static void print_map(struct printer *p, const struct template_value *map, uint32_t verb, unsigned depth)
{
	bool labels = map->type == TEMPLATE_LABELS;
	size_t count = labels ? map->labels.count : map->args.count;
	if (p->sharp_v)
		buf_printf(p->out, "%s{", template_type_name(map->type));
	else
		buf_adds(p->out, "map[");
	for (size_t i = 0; i < count && !p->out->full; i++) {
		struct template_value key = template_text_value(labels ? map->labels.pairs[i].name : map->args.rows[i].name);
		struct template_value value = labels ? template_text_value(map->labels.pairs[i].value) :
						       map->args.rows[i].value;
		buf_adds(p->out, i == 0 ? "" : p->sharp_v ? ", " : " ");
		print_nested(p, &key, verb, depth);
		buf_addc(p->out, ':');
		print_nested(p, &value, verb, depth);
	}
	buf_addc(p->out, p->sharp_v ? '}' : ']');
}

static void print_pointer(struct printer *p, const struct template_value *value, uint32_t verb)
{
	if (verb == 'v' && p->sharp_v)
		buf_printf(p->out, "(%s)(0x%llx)", template_type_name(value->type), ADDRESS);
	else if (verb == 'v' || verb == 'p')
		buf_printf(p->out, "0x%llx", ADDRESS);
	else if (verb < 0x80 && verb != 0 && strchr("bodxX", (int)verb) != NULL)
		printer_base(p, ADDRESS, false, verb == 'b' ? 2 : verb == 'o' ? 8 : verb == 'd' ? 10 : 16, verb);
	else
		printer_bad_verb(p, value, verb);
}

static void print_list(struct printer *p, const struct template_value *list, uint32_t verb)
{
	if (p->sharp_v)
		buf_printf(p->out, "%s{", template_type_name(list->type));
	else
		buf_addc(p->out, '[');
	for (size_t i = 0; i < list->result.count && !p->out->full; i++) {
		struct template_value sample = { .type = TEMPLATE_SAMPLE, .sample = list->result.rows[i] };
		buf_adds(p->out, i == 0 ? "" : p->sharp_v ? ", " : " ");
		print_pointer(p, &sample, verb);
	}
	buf_addc(p->out, p->sharp_v ? '}' : ']');
}

static void print_field(struct printer *p, const char *name, bool first, const struct template_value *value,
			uint32_t verb, unsigned depth)
{
	buf_adds(p->out, first ? "" : p->sharp_v ? ", " : " ");
	if (p->plus_v || p->sharp_v)
		buf_printf(p->out, "%s:", name);
	print_nested(p, value, verb, depth);
}

static void print_sample(struct printer *p, const struct template_sample *sample, uint32_t verb, unsigned depth)
{
	struct template_value labels = { .type = TEMPLATE_LABELS, .labels = sample->labels };
	struct template_value value = template_real_value(sample->value);
	buf_adds(p->out, p->sharp_v ? "template.sample{" : "{");
	print_field(p, "Labels", true, &labels, verb, depth);
	print_field(p, "Value", false, &value, verb, depth);
	buf_addc(p->out, '}');
}

static void print_data(struct printer *p, const struct template_scope *scope, uint32_t verb, unsigned depth)
{
	struct template_value labels = { .type = TEMPLATE_LABELS, .labels = scope->labels };
	struct template_value external = { .type = TEMPLATE_LABELS, .labels = scope->external_labels };
	struct template_value url = template_text_value(scope->external_url), value = template_real_value(scope->value);
	if (p->sharp_v)
		buf_adds(p->out, template_type_name(TEMPLATE_DATA));
	buf_addc(p->out, '{');
	print_field(p, "Labels", true, &labels, verb, depth);
	print_field(p, "ExternalLabels", false, &external, verb, depth);
	print_field(p, "ExternalURL", false, &url, verb, depth);
	print_field(p, "Value", false, &value, verb, depth);
	buf_addc(p->out, '}');
}

void printer_value(struct printer *p, const struct template_value *value, uint32_t verb, unsigned depth)
{
	cleanup_buf struct buf own;
	buf_init(&own, 256);
	if (!p->erroring && !p->sharp_v && verb < 0x80 && verb != 0 && strchr("vsxXq", (int)verb) != NULL &&
	    template_stringer(value, &own)) {
		print_text(p, buf_str(&own), verb);
		return;
	}
	switch (template_kind_of(value)) {
	case KIND_BOOL:
		if (verb == 't' || verb == 'v')
			printer_pad(p, value->truth ? STR("true") : STR("false"));
		else
			printer_bad_verb(p, value, verb);
		break;
	case KIND_INT:
	case KIND_UINT:
		printer_whole(p, value, verb);
		break;
	case KIND_FLOAT:
		printer_float(p, value, verb);
		break;
	case KIND_STRING:
		if (!print_text(p, value->text, verb))
			printer_bad_verb(p, value, verb);
		break;
	case KIND_MAP:
		print_map(p, value, verb, depth);
		break;
	case KIND_LIST:
		print_list(p, value, verb);
		break;
	case KIND_POINTER:
		if (value->type == TEMPLATE_SAMPLE && depth == 0) {
			buf_addc(p->out, '&');
			print_sample(p, value->sample, verb, depth + 1);
		} else {
			print_pointer(p, value, verb);
		}
		break;
	case KIND_STRUCT:
		if (value->type == TEMPLATE_DATA)
			print_data(p, value->scope, verb, depth);
		else
			printer_bad_verb(p, value, verb); /* a time has no fields to show */
		break;
	case KIND_NONE:
		printer_pad(p, STR("<nil>"));
	}
}

/* ---- one value, and several ---- */

void template_print(const struct template_value *value, struct buf *buf)
{
	struct printer printer = { .out = buf };
	printer_value(&printer, value, 'v', 0);
}

void template_print_action(const struct template_value *value, struct buf *buf)
{
	struct printer printer = { .out = buf };
	if (value->type <= TEMPLATE_NIL)
		buf_adds(buf, "<no value>");
	else if (value->type == TEMPLATE_SAMPLE)
		print_sample(&printer, value->sample, 'v', 0);
	else
		printer_value(&printer, value, 'v', 0);
}

void template_sprint(const struct template_value *args, size_t count, bool line, struct buf *buf)
{
	bool text_before = true;
	for (size_t i = 0; i < count && !buf->full; i++) {
		bool text = template_kind_of(&args[i]) == KIND_STRING;
		if (i > 0 && (line || (!text && !text_before)))
			buf_addc(buf, ' ');
		template_print(&args[i], buf);
		text_before = text;
	}
	buf_adds(buf, line ? "\n" : "");
}

/* ---- printf ---- */

struct format {
	struct printer p;
	struct str text;
	size_t at;
	const struct template_value *args;
	size_t count, next; /* argument */
	bool reordered, good_index, after_index;
};

static void flag_verb_v(struct printer *p)
{
	p->sharp_v = p->sharp;
	p->sharp = false;
	p->plus_v = p->plus;
	p->plus = false;
}

static char here(const struct format *format)
{
	return format->at < format->text.len ? format->text.ptr[format->at] : '\0';
}

static void read_flags(struct format *format)
{
	for (; format->at < format->text.len; format->at++) {
		switch (here(format)) {
		case '#':
			format->p.sharp = true;
			break;
		case '0':
			format->p.zero = !format->p.minus;
			break;
		case '+':
			format->p.plus = true;
			break;
		case '-':
			format->p.minus = true;
			format->p.zero = false;
			break;
		case ' ':
			format->p.space = true;
			break;
		default:
			return;
		}
	}
}

/* Digits before `end`. False: none, or beyond a million, and then all up to the end is eaten. */
static bool read_number(struct format *format, size_t end, int *ret_number)
{
	bool any = false;
	*ret_number = 0;
	for (; format->at < end && here(format) >= '0' && here(format) <= '9'; format->at++) {
		if (*ret_number > NUMBER_MAX) {
			*ret_number = 0;
			format->at = end;
			return false;
		}
		*ret_number = *ret_number * 10 + (here(format) - '0');
		any = true;
	}
	return any;
}

/* "[3]": which argument comes next. */
static void read_index(struct format *format)
{
	format->after_index = false;
	if (here(format) != '[')
		return;
	format->reordered = true;
	const char *close = memchr(format->text.ptr + format->at, ']', format->text.len - format->at);
	if (format->text.len - format->at < 3 || close == NULL) {
		format->at++;
		format->good_index = false;
		return;
	}
	size_t end = (size_t)(close - format->text.ptr);
	int number;
	format->at++;
	bool good = read_number(format, end, &number) && format->at == end;
	format->at = end + 1;
	format->after_index = good;
	if (good && number >= 1 && (size_t)number <= format->count)
		format->next = (size_t)number - 1;
	else
		format->good_index = false;
	if (!good)
		format->after_index = false;
}

/* "*": the number is an argument. False: it is none. */
static bool take_number(struct format *format, int *ret_number)
{
	const struct template_value *arg = format->next < format->count ? &format->args[format->next] : NULL;
	format->at++;
	format->after_index = false;
	*ret_number = 0;
	if (arg == NULL)
		return false;
	format->next++;
	enum template_kind kind = template_kind_of(arg);
	if ((kind != KIND_INT && kind != KIND_UINT) || arg->number > NUMBER_MAX || arg->number < -NUMBER_MAX)
		return false;
	*ret_number = (int)arg->number;
	return true;
}

static void read_width(struct format *format)
{
	struct printer *p = &format->p;
	if (here(format) != '*') {
		p->has_width = read_number(format, format->text.len, &p->width);
		if (format->after_index && p->has_width)
			format->good_index = false;
		return;
	}
	p->has_width = take_number(format, &p->width);
	if (!p->has_width)
		buf_adds(p->out, "%!(BADWIDTH)");
	if (p->width < 0) {
		p->width = -p->width;
		p->minus = true;
		p->zero = false;
	}
}

static void read_precision(struct format *format)
{
	struct printer *p = &format->p;
	if (here(format) != '.')
		return;
	format->at++;
	if (format->after_index)
		format->good_index = false;
	read_index(format);
	if (here(format) != '*') {
		if (!read_number(format, format->text.len, &p->precision))
			p->precision = 0;
		p->has_precision = true;
		return;
	}
	p->has_precision = take_number(format, &p->precision) && p->precision >= 0;
	if (!p->has_precision)
		buf_adds(p->out, "%!(BADPREC)");
}

static void print_arg(struct printer *p, const struct template_value *arg, uint32_t verb)
{
	if (verb == 'v')
		flag_verb_v(p);
	if (verb == 'T')
		printer_pad(p, printer_cut(p, str_of(template_type_name(arg->type))));
	else if (arg->type <= TEMPLATE_NIL && verb == 'v')
		printer_pad(p, STR("<nil>"));
	else if (arg->type <= TEMPLATE_NIL || verb == 'w')
		printer_bad_verb(p, arg, verb);
	else if (verb == 'p' && arg->type != TEMPLATE_SAMPLE && arg->type != TEMPLATE_RESULT)
		printer_bad_verb(p, arg, verb);
	else if (verb == 'p')
		print_pointer(p, arg, verb);
	else
		printer_value(p, arg, verb, 0);
}

static void wrong(struct format *format, uint32_t verb, const char *what)
{
	buf_adds(format->p.out, "%!");
	rune_put(verb, format->p.out);
	buf_adds(format->p.out, what);
}

/* Behind a percent sign. */
static void print_verb(struct format *format)
{
	format->p = (struct printer){ .out = format->p.out };
	format->good_index = true;
	format->after_index = false;
	read_flags(format);
	read_index(format);
	read_width(format);
	read_precision(format);
	if (!format->after_index)
		read_index(format);
	if (format->at >= format->text.len) {
		buf_adds(format->p.out, "%!(NOVERB)");
		return;
	}
	uint32_t verb = rune_next(format->text, &format->at);
	if (verb == '%')
		buf_addc(format->p.out, '%');
	else if (!format->good_index)
		wrong(format, verb, "(BADINDEX)");
	else if (format->next >= format->count)
		wrong(format, verb, "(MISSING)");
	else
		print_arg(&format->p, &format->args[format->next++], verb);
}

static void print_extra(struct format *format)
{
	format->p = (struct printer){ .out = format->p.out };
	buf_adds(format->p.out, "%!(EXTRA ");
	for (size_t i = format->next; i < format->count && !format->p.out->full; i++) {
		const struct template_value *arg = &format->args[i];
		buf_adds(format->p.out, i > format->next ? ", " : "");
		if (arg->type > TEMPLATE_NIL)
			buf_printf(format->p.out, "%s=", template_type_name(arg->type));
		template_print(arg, format->p.out);
	}
	buf_addc(format->p.out, ')');
}

void template_sprintf(struct str text, const struct template_value *args, size_t count, struct buf *buf)
{
	struct format format = { .p = { .out = buf }, .text = text, .args = args, .count = count };
	while (format.at < text.len && !buf->full) {
		size_t from = format.at;
		while (format.at < text.len && text.ptr[format.at] != '%')
			format.at++;
		buf_add(buf, str_sub(text, from, format.at));
		if (format.at == text.len)
			break;
		format.at++;
		print_verb(&format);
	}
	if (!format.reordered && format.next < count)
		print_extra(&format);
}
