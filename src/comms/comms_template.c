/* comms_template.c: see comms_template.h. */
#include "comms/comms_template.h"

#include <assert.h>

#include "base/buf.h"
#include "resource/definition.h"
#include "wire/doc_json.h"

const struct spec_field comms_template_spec[] = {
	{ .name = "audience", .type = SPEC_CHOICE, .choices = comms_audiences, .flags = SPEC_REQUIRED,
	  .about = "For whom it is." },
	{ .name = "state", .type = SPEC_CHOICE, .choices = comms_states, .flags = SPEC_REQUIRED,
	  .about = "In which state of the incident." },
	{ .name = "text", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 4000,
	  .about = "The words; {service}, {since} and {next} are filled in." },
	{ .name = NULL },
};

#define ENG "engineers"
#define EXE "executives"
#define CUS "customers"
static const struct {
	const char *audience, *state, *text;
} built_in[] = {
	{ CUS, "investigating", "Since {since} some requests to {service} fail. We are investigating.\n\nNext update: {next}." },
	{ CUS, "identified", "We have found the cause of the problem with {service} and are working on it.\n\nNext update: {next}." },
	{ CUS, "monitoring", "{service} works again. We are watching it before we say that it is over.\n\nNext update: {next}." },
	{ CUS, "resolved", "The problem with {service} that began at {since} is over. Nothing is left for you to do." },
	{ EXE, "investigating", "{service} has had a problem since {since}. Customers notice: .\n\nThe team is investigating. Next update: {next}." },
	{ EXE, "identified", "The cause of the problem with {service} is known. Being done: .\n\nNext update: {next}." },
	{ EXE, "monitoring", "{service} works again since . The team is watching it. Next update: {next}." },
	{ EXE, "resolved", "The problem with {service} that began at {since} is over. Affected were: . No data was lost. A review follows." },
	{ ENG, "investigating", "**Condition:** {service}, since {since}: \n\n**Actions:** investigating \n\n**Needs:** \n\nNext update: {next}." },
	{ ENG, "identified", "**Condition:** cause found: \n\n**Actions:** working on \n\n**Needs:** \n\nNext update: {next}." },
	{ ENG, "monitoring", "**Condition:** recovered since \n\n**Actions:** monitoring \n\n**Needs:** nothing\n\nNext update: {next}." },
	{ ENG, "resolved", "**Condition:** over. Began {since}.\n\n**What fixed it:** \n\n**What remains:** " },
};

struct looking {
	struct str audience, state, text;
	struct arena *arena;
};

static bool see_definition(void *context, const struct definition *definition)
{
	struct looking *looking = context;
	const struct doc_node *spec;
	if (doc_json_parse(definition->spec, looking->arena, DOC_LIMITS_DEFAULT, NULL, &spec, NULL) != OK)
		return true;
	if (!str_eq(doc_text(doc_get(spec, "audience"), ""), looking->audience) ||
	    !str_eq(doc_text(doc_get(spec, "state"), ""), looking->state))
		return true;
	looking->text = doc_text(doc_get(spec, "text"), "");
	return false;
}

static void fill(struct buf *out, struct str text, const struct comms_template_values *values)
{
	const struct {
		struct str mark, value;
	} marks[] = {
		{ STR("{service}"), values->service }, { STR("{since}"), values->since }, { STR("{next}"), values->next },
	};
	while (text.len > 0) {
		size_t i = 0;
		while (i < 3 && !str_starts(text, marks[i].mark))
			i++;
		if (i < 3)
			buf_add(out, marks[i].value);
		else
			buf_addc(out, text.ptr[0]);
		text = str_sub(text, i < 3 ? marks[i].mark.len : 1, text.len);
	}
}

enum err comms_template(struct store_conn *conn, enum comms_audience audience, struct str state,
			const struct comms_template_values *values, struct arena *arena, struct str *ret_text,
			struct error *err)
{
	struct looking looking = { .audience = str_of(comms_audience_name(audience)), .state = state, .arena = arena };
	enum err r = definition_list(conn, STR(COMMS_TEMPLATE), STR_NONE, STR_NONE, 200, arena, see_definition, &looking,
				     err);
	if (r != OK)
		return r;
	for (size_t i = 0; looking.text.len == 0 && i < sizeof built_in / sizeof built_in[0]; i++) {
		if (str_is(looking.audience, built_in[i].audience) && str_is(state, built_in[i].state))
			looking.text = str_of(built_in[i].text);
	}
	cleanup_buf struct buf out;
	buf_init(&out, COMMS_TEXT_BYTES_MAX);
	fill(&out, looking.text, values);
	*ret_text = arena_str(arena, buf_str(&out));
	return OK;
}
