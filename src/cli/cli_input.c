/* cli_input.c: the words after a verb, read by the rows of its action. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_priv.h"

const struct cli_input cli_common[] = {
	{ "server", CLI_TEXT, CLI_OWN, "which server to speak to (MAINSTAY_SERVER)", .value = "URL" },
	{ "token", CLI_TEXT, CLI_OWN, "who is speaking (MAINSTAY_TOKEN; better: mainstay login)",
	  .value = "TOKEN" },
	{ "token-file", CLI_TEXT, CLI_OWN, "a file that holds the token, readable by you alone",
	  .value = "FILE" },
	{ "ca-file", CLI_TEXT, CLI_OWN, "certificates to trust beside none other (MAINSTAY_CA_FILE)",
	  .value = "FILE" },
	{ "insecure-http", CLI_SWITCH, CLI_OWN, "send secrets over plain HTTP beyond this machine" },
	{ "output", CLI_CHOICE, CLI_OWN, "how to print (MAINSTAY_OUTPUT)",
	  .choices = "table|json|yaml|csv", .letter = 'o' },
	{ "no-color", CLI_SWITCH, CLI_OWN, "no colours (NO_COLOR)" },
	{ "help", CLI_SWITCH, CLI_OWN, "say what the verb does and takes", .letter = 'h' },
	{ .name = NULL },
};

bool cli_input_is_argument(const struct cli_input *input)
{
	return input->name[0] >= 'A' && input->name[0] <= 'Z';
}

struct str cli_input_key(const struct cli_input *input, char ret_key[CLI_KEY_BYTES])
{
	size_t at = 0;
	const char *from = input->key != NULL ? input->key : input->name;
	for (; from[at] != '\0'; at++) {
		assert(at + 1 < CLI_KEY_BYTES);
		char c = from[at];
		ret_key[at] = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	ret_key[at] = '\0';
	return (struct str){ ret_key, at };
}

const char *cli_input_value(const struct cli_input *input)
{
	static const char *const by_type[] = {
		[CLI_TEXT] = "TEXT",	     [CLI_INT] = "N",	       [CLI_BOOL] = "yes|no",
		[CLI_TIME] = "WHEN",	     [CLI_DURATION] = "DURATION", [CLI_PERSON] = "WHO",
		[CLI_KIND] = "KIND",	     [CLI_MOMENT] = "WHEN",
	};
	if (input->type == CLI_SWITCH)
		return NULL;
	if (input->value != NULL)
		return input->value;
	return input->choices != NULL ? input->choices : by_type[input->type];
}

/* ---- finding the row of a flag ---- */

static const struct cli_input *find_in(const struct cli_input *rows, struct str name, char letter)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (cli_input_is_argument(rows))
			continue;
		if (letter != 0 ? rows->letter == letter : str_is(name, rows->name))
			return rows;
	}
	return NULL;
}

static const struct cli_input *find(const struct cli_action *action, struct str name, char letter)
{
	const struct cli_input *found = find_in(action->inputs, name, letter);
	return found != NULL ? found : find_in(cli_common, name, letter);
}

/* A distance below this may be a slip of the finger; in a short word everything is near. */
unsigned cli_nearness(struct str word)
{
	return word.len < 4 ? (unsigned)word.len / 2 + 1 : 3;
}

unsigned cli_distance(struct str word, const char *name)
{
	struct str other = str_of(name);
	bool begins = word.len > other.len ? str_starts(word, other) : str_starts(other, word);
	unsigned distance = str_distance(word, other);
	return begins && distance > 1 && word.len > 2 && other.len > 2 ? 1 : distance;
}

static const char *nearest_in(const struct cli_input *rows, struct str name, unsigned *best)
{
	const char *nearest = NULL;
	for (; rows != NULL && rows->name != NULL; rows++) {
		unsigned distance = cli_distance(name, rows->name);
		if (!cli_input_is_argument(rows) && distance < *best) {
			*best = distance;
			nearest = rows->name;
		}
	}
	return nearest;
}

static enum err unknown_flag(const struct cli_action *action, const char *word, struct str name,
			     struct error *err)
{
	unsigned best = cli_nearness(name);
	const char *own = nearest_in(action->inputs, name, &best);
	const char *common = nearest_in(cli_common, name, &best);
	error_set(err, ERR_INVALID, "there is no flag \"%s\" here", word);
	if (own != NULL || common != NULL)
		error_hint(err, "did you mean --%s?", common != NULL ? common : own);
	return ERR_INVALID;
}

/* ---- checking a value ---- */

static enum err refuse(const struct cli_input *input, struct str text, const char *wanted,
		       struct error *err)
{
	bool argument = cli_input_is_argument(input);
	return error_set(err, ERR_INVALID, "%s%s cannot be \"" STR_FMT "\": it is %s",
			 argument ? "" : "--", input->name, STR_ARG(text), wanted);
}

static bool is_choice(struct str choices, struct str text)
{
	struct str one, rest = choices;
	while (rest.len > 0) {
		str_cut(rest, '|', &one, &rest);
		if (str_eq(one, text))
			return true;
	}
	return false;
}

static enum err check_choices(const struct cli_input *input, struct str text, struct error *err)
{
	char wanted[200];
	struct str one, rest = text;
	snprintf(wanted, sizeof wanted, "%s %s", input->type == CLI_CHOICE ? "one of" : "some of",
		 input->choices);
	do {
		if (input->type == CLI_CHOICE)
			one = rest, rest = STR_NONE;
		else
			str_cut(rest, ',', &one, &rest);
		if (!is_choice(str_of(input->choices), one))
			return refuse(input, one, wanted, err);
	} while (rest.len > 0);
	return OK;
}

/* "checks", "check" and "Check" are Check; "escalation-policy" is EscalationPolicy. */
static struct str kind_of(struct str text)
{
	static const char *const kinds[] = { "Service", "Check", "Schedule", "EscalationPolicy", "Team",
					     "PriorityMatrix", "UpdateCadence", "UpdateTemplate", "StatusPage", "ReviewPolicy" };
	char plain[64] = "";
	size_t length = 0;
	for (size_t i = 0; i < text.len && length + 1 < sizeof plain; i++) {
		char c = text.ptr[i];
		if (c != '-' && c != '_')
			plain[length++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		char kind[64];
		size_t n = strlen(kinds[k]);
		for (size_t i = 0; i <= n; i++)
			kind[i] = kinds[k][i] >= 'A' && kinds[k][i] <= 'Z' ? (char)(kinds[k][i] - 'A' + 'a')
									   : kinds[k][i];
		bool same = strncmp(plain, kind, n) == 0 &&
			    (length == n || strcmp(plain + n, "s") == 0);
		bool irregular = (k == 3 && strcmp(plain, "escalationpolicies") == 0) ||
				 (k == 5 && strcmp(plain, "prioritymatrices") == 0) ||
				 (k == 6 && strcmp(plain, "reviewpolicies") == 0);
		if (same || irregular)
			return str_of(kinds[k]);
	}
	return text; /* the server knows more kinds than we do, or says that there is none */
}

static enum err check(const struct cli_input *input, const struct cli_screen *screen,
		      struct arena *arena, struct str *text, struct error *err)
{
	int64_t number;
	time_us at;
	char printed[TIME_TEXT_BYTES];
	if (!str_is_utf8(*text))
		return refuse(input, STR("..."), "text in UTF-8", err);
	switch (input->type) {
	case CLI_INT:
		if (!str_int(*text, 0, INT64_MAX, &number))
			return refuse(input, *text, "a whole number", err);
		*text = arena_printf(arena, "%lld", (long long)number); /* 007 is no JSON */
		return OK;
	case CLI_BOOL:
		if (!str_is(*text, "yes") && !str_is(*text, "no"))
			return refuse(input, *text, "yes or no", err);
		*text = str_is(*text, "yes") ? STR("true") : STR("false");
		return OK;
	case CLI_CHOICE:
	case CLI_CHOICES:
		return check_choices(input, *text, err);
	case CLI_DURATION:
		return duration_parse(*text, &at) ? OK
						  : refuse(input, *text, "a time span, as 90s, 2h or 7d", err);
	case CLI_MOMENT:
		if (str_int(*text, 1, INT64_MAX, &number))
			return OK;
		/* fall through */
	case CLI_TIME:
		if (!cli_time_parse(screen, *text, &at))
			return refuse(input, *text, "a time, as 18:00, 2h, -7d or 2026-11-23T09:00:00Z",
				      err);
		time_format(at, printed);
		*text = arena_str(arena, str_of(printed));
		return OK;
	case CLI_KIND:
		*text = kind_of(*text);
		return OK;
	default:
		return text->len > 0 ? OK : refuse(input, *text, "not empty", err);
	}
}

/* ---- reading ---- */

struct reader {
	const struct cli_action *action;
	const struct cli_screen *screen;
	struct arena *arena;
	struct cli_inputs *inputs;
	const struct cli_input *argument; /* the next by place; at the end its name is NULL */
	bool flags_over;                  /* "--" was there */
};

const struct cli_given *cli_given(const struct cli_inputs *inputs, const struct cli_input *input)
{
	for (size_t i = 0; i < inputs->count; i++) {
		if (inputs->rows[i].input == input)
			return &inputs->rows[i];
	}
	return NULL;
}

static enum err add(struct reader *reader, const struct cli_input *input, struct str text,
		    struct error *err)
{
	struct cli_inputs *inputs = reader->inputs;
	if (!(input->flags & CLI_MANY) && cli_given(inputs, input) != NULL)
		return error_set(err, ERR_INVALID, "%s%s is given twice",
				 cli_input_is_argument(input) ? "" : "--", input->name);
	if (inputs->count == CLI_GIVEN_MAX)
		return error_set(err, ERR_INVALID, "there are more than %u arguments", CLI_GIVEN_MAX);
	enum err r = check(input, reader->screen, reader->arena, &text, err);
	if (r == OK)
		inputs->rows[inputs->count++] = (struct cli_given){ input, text };
	return r;
}

static void skip_to_argument(struct reader *reader)
{
	while (reader->argument != NULL && reader->argument->name != NULL &&
	       !cli_input_is_argument(reader->argument))
		reader->argument++;
}

static enum err take_argument(struct reader *reader, int argc, char **argv, int *at, struct error *err)
{
	skip_to_argument(reader);
	const struct cli_input *input = reader->argument;
	if (input == NULL || input->name == NULL)
		return error_set(err, ERR_INVALID, "\"%s\" is one argument too many", argv[*at]);
	if (input->flags & CLI_REST) {
		struct buf text;
		buf_init(&text, 64u << 10);
		for (; *at < argc && (reader->flags_over || argv[*at][0] != '-'); (*at)++)
			buf_printf(&text, "%s%s", text.used > 0 ? " " : "", argv[*at]);
		(*at)--;
		struct str kept = arena_str(reader->arena, buf_str(&text));
		buf_finish(&text);
		reader->argument++;
		return add(reader, input, kept, err);
	}
	if (!(input->flags & CLI_MANY))
		reader->argument++;
	return add(reader, input, str_of(argv[*at]), err);
}

static enum err take_flag(struct reader *reader, int argc, char **argv, int *at, struct error *err)
{
	const char *word = argv[*at];
	struct str name, value;
	bool is_long = word[1] == '-';
	bool joined = str_cut(str_of(word + (is_long ? 2 : 1)), '=', &name, &value);
	if (!is_long && name.len != 1)
		return unknown_flag(reader->action, word, name, err);
	const struct cli_input *input = find(reader->action, name, is_long ? 0 : name.ptr[0]);
	if (input == NULL)
		return unknown_flag(reader->action, word, name, err);
	if (input->type == CLI_SWITCH) {
		if (joined)
			return error_set(err, ERR_INVALID, "--%s takes no value", input->name);
		reader->inputs->help = reader->inputs->help || strcmp(input->name, "help") == 0;
		return add(reader, input, STR("true"), err);
	}
	if (!joined) {
		if (*at + 1 >= argc)
			return error_set(err, ERR_INVALID, "--%s needs a value: %s", input->name,
					 cli_input_value(input));
		value = str_of(argv[++*at]);
	}
	return add(reader, input, value, err);
}

static enum err take_defaults(struct reader *reader, struct error *err)
{
	enum err r = OK;
	for (const struct cli_input *row = reader->action->inputs; row != NULL && row->name != NULL && r == OK;
	     row++) {
		if (cli_given(reader->inputs, row) != NULL)
			continue;
		if (row->otherwise != NULL)
			r = add(reader, row, str_of(row->otherwise), err);
		else if (row->flags & CLI_REQUIRED)
			r = error_set(err, ERR_INVALID, "%s%s is missing: %s",
				      cli_input_is_argument(row) ? "" : "--", row->name, row->about);
	}
	return r;
}

enum err cli_inputs_parse(const struct cli_action *action, const struct cli_screen *screen, int argc,
			  char **argv, struct arena *arena, struct cli_inputs *ret_inputs,
			  struct error *err)
{
	struct cli_inputs inputs = { .rows = arena_array(arena, struct cli_given, CLI_GIVEN_MAX) };
	struct reader reader = { .action = action, .screen = screen, .arena = arena, .inputs = &inputs,
				 .argument = action->inputs };
	enum err r = OK;
	for (int at = 0; at < argc && r == OK && !inputs.help; at++) {
		bool flag = !reader.flags_over && argv[at][0] == '-' && argv[at][1] != '\0';
		if (flag && strcmp(argv[at], "--") == 0)
			reader.flags_over = true;
		else
			r = flag ? take_flag(&reader, argc, argv, &at, err)
				 : take_argument(&reader, argc, argv, &at, err);
	}
	if (r == OK && !inputs.help)
		r = take_defaults(&reader, err);
	if (r == OK)
		*ret_inputs = inputs;
	return r;
}

/* ---- for the verbs ---- */

bool cli_next(const struct cli_call *call, const char *name, size_t *at, struct str *ret_text)
{
	for (; *at < call->inputs.count; (*at)++) {
		if (strcmp(call->inputs.rows[*at].input->name, name) != 0)
			continue;
		*ret_text = call->inputs.rows[(*at)++].text;
		return true;
	}
	return false;
}

struct str cli_text(const struct cli_call *call, const char *name)
{
	size_t at = 0;
	struct str text = STR_NONE;
	cli_next(call, name, &at, &text);
	return text;
}

bool cli_switch(const struct cli_call *call, const char *name)
{
	return cli_text(call, name).len > 0;
}

int64_t cli_int(const struct cli_call *call, const char *name, int64_t otherwise)
{
	int64_t value = otherwise;
	str_int(cli_text(call, name), 0, INT64_MAX, &value);
	return value;
}
