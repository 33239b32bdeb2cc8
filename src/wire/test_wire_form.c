/* test_wire_form.c: bodies of HTML forms, those of browsers and those of strangers. */
#include "base/check.h"
#include "base/buf.h"
#include "wire/form.h"

struct fixture {
	struct arena arena;
	struct form form;
	struct error err;
};

static enum err parse(struct fixture *f, const char *body)
{
	f->err = (struct error){ .code = OK };
	return form_parse(str_of(body), &f->arena, &f->form, &f->err);
}

static struct fixture begin(void)
{
	struct fixture f = { .form.count = 0 };
	arena_init(&f.arena, 1u << 20);
	return f;
}

TEST(a_form_as_browsers_send_it_is_read)
{
	struct fixture f = begin();
	CHECK(parse(&f, "text=It+hangs%2C+100%25%0D%0AStill%21&service=shop&email=&=%26") == ERR_INVALID);
	CHECK(parse(&f, "text=It+hangs%2C+100%25%0D%0AStill%21&service=sh%C3%B6p&email=") == OK);
	CHECK_INT(f.form.count, 3);
	CHECK_STR(form_get(&f.form, "text"), "It hangs, 100%\nStill!");
	CHECK_STR(form_get(&f.form, "service"), "sh\xC3\xB6p");
	CHECK_STR(form_get(&f.form, "email"), "");
	CHECK_STR(form_get(&f.form, "nothing"), "");
	arena_finish(&f.arena);
}

TEST(an_empty_body_is_a_form_without_fields)
{
	struct fixture f = begin();
	CHECK(parse(&f, "") == OK);
	CHECK_INT(f.form.count, 0);
	CHECK(parse(&f, "&&") == OK);
	CHECK_INT(f.form.count, 0);
	arena_finish(&f.arena);
}

TEST(what_is_no_form_is_refused_with_a_sentence)
{
	static const struct {
		const char *body;
		const char *text;
	} cases[] = {
		{ "a=%", "the form holds what is no text" },
		{ "a=%4", "the form holds what is no text" },
		{ "a=%zz", "the form holds what is no text" },
		{ "a=%00", "the form holds what is no text" },
		{ "a=%FF", "the form holds what is no text" },
		{ "a=%C0%80", "the form holds what is no text" },
		{ "a=1&a=2", "a field of the form is there twice" },
		{ "a=1&%61=2", "a field of the form is there twice" },
		{ "=1", "a field of the form has no name, or a very long one" },
	};
	struct fixture f = begin();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK(parse(&f, cases[i].body) == ERR_INVALID);
		CHECK_TEXT(f.err.text, cases[i].text);
	}
	arena_finish(&f.arena);
}

TEST(more_than_the_limits_is_refused_and_what_just_fits_is_taken)
{
	struct fixture f = begin();
	cleanup_buf struct buf body;
	buf_init(&body, 1u << 20);
	for (unsigned i = 0; i < FORM_FIELDS_MAX; i++)
		buf_printf(&body, "%sf%u=1", i > 0 ? "&" : "", i);
	CHECK(form_parse(buf_str(&body), &f.arena, &f.form, &f.err) == OK);
	CHECK_INT(f.form.count, FORM_FIELDS_MAX);
	buf_adds(&body, "&more=1");
	CHECK(form_parse(buf_str(&body), &f.arena, &f.form, &f.err) == ERR_TOO_LARGE);
	buf_reset(&body);
	buf_adds(&body, "t=");
	while (body.used <= FORM_BYTES_MAX)
		buf_addc(&body, 'x');
	CHECK(form_parse(buf_str(&body), &f.arena, &f.form, &f.err) == ERR_TOO_LARGE);
	CHECK(form_parse(str_sub(buf_str(&body), 0, FORM_BYTES_MAX), &f.arena, &f.form, &f.err) == OK);
	arena_finish(&f.arena);
}

TESTS(RUN(a_form_as_browsers_send_it_is_read), RUN(an_empty_body_is_a_form_without_fields),
      RUN(what_is_no_form_is_refused_with_a_sentence),
      RUN(more_than_the_limits_is_refused_and_what_just_fits_is_taken))
