/*
 * api_beat.c: jobs that call: POST /hb/{token}, and the address they call.
 *
 * A GET changes nothing here as everywhere: chats, mail scanners and browsers follow links that they see. It
 * is answered with what to do instead, and with a status that makes `curl -f` fail, so that the mistake is
 * seen at the first try and not when the job dies.
 */
#include <stdio.h>

#include "api/api_defs.h"
#include "api/api_handlers.h"
#include "monitor/monitor_beat.h"

static enum err say(struct api_call *call, int status, const char *text)
{
	buf_reset(&call->out);
	call->status = status;
	call->content_type = "text/plain; charset=utf-8";
	buf_adds(&call->out, text);
	return OK;
}

enum err api_beat_explain(struct api_call *call, struct error *err)
{
	(void)err;
	api_header(call, "Allow", "POST");
	return say(call, 405, "This address is called by POST, as by: curl -fsS -m 10 --retry 3 -X POST ADDRESS\n"
		   "Nothing was noted. ?state=start tells that a job begins, ?state=fail that it failed,\n"
		   "?exit=$? either of the two.\n");
}

/* The first line of the body, as text that can be shown anywhere. */
static struct str first_line(struct api_call *call)
{
	struct str line;
	str_cut(str_trim(call->request->body), '\n', &line, &(struct str){ 0 });
	line = str_sub(str_trim(line), 0, MONITOR_BEAT_SAID_BYTES - 1);
	while (line.len > 0 && !str_is_utf8(line))
		line.len--;
	char *text = arena_array(&call->arena, char, line.len + 1);
	for (size_t i = 0; i < line.len; i++)
		text[i] = (unsigned char)line.ptr[i] < ' ' ? ' ' : line.ptr[i];
	return (struct str){ text, line.len };
}

static bool read_call(struct api_call *call, struct monitor_beat_call *beat)
{
	static const char *const states[] = { "ok", "start", "fail" };
	struct str state = STR("ok"), code;
	http_request_param(call->request, "state", &state);
	beat->exit_code = -1;
	if (http_request_param(call->request, "exit", &code) && !str_int(code, 0, 255, &beat->exit_code))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!str_is(state, states[i]))
			continue;
		beat->state = (enum monitor_beat_state)i;
		if (beat->state == MONITOR_BEAT_OK && beat->exit_code > 0)
			beat->state = MONITOR_BEAT_FAIL;
		return true;
	}
	return false;
}

static enum err noted(struct api_call *call, struct error *err)
{
	(void)err;
	return say(call, 200, "noted\n");
}

enum err api_beat(struct api_call *call, struct error *err)
{
	const struct api_sense *sense = call->api->options.sense;
	struct monitor_beat_call beat = { .state = MONITOR_BEAT_OK };
	enum err r = monitor_beat_whose(call->conn, call->params[0], &call->arena, &beat.check, err);
	if (r == ERR_NOT_FOUND)
		return say(call, 404, "This address is not known. It may have been replaced by a new one.\n");
	if (r != OK)
		return r;
	if (!read_call(call, &beat))
		return say(call, 400, "state is start, ok or fail, and exit is a number from 0 to 255. Nothing was "
			   "noted.\n");
	beat.said = first_line(call);
	r = api_change_as(call, ACTOR_SYSTEM, "beat", monitor_beat_decide, &beat, noted, err);
	if (r == OK && sense != NULL && sense->called != NULL)
		sense->called(sense->context, beat.check);
	return r;
}

/* ---- the address ---- */

static enum err write_address(struct api_call *call, struct error *err)
{
	struct json_writer *json = &call->json;
	const char *base = call->api->options.public_url;
	char url[600], line[800];
	(void)err;
	snprintf(url, sizeof url, "%s/hb/%s", base, (const char *)call->context);
	snprintf(line, sizeof line, "curl -fsS -m 10 --retry 3 -o /dev/null -X POST \"%s?exit=$?\"", url);
	json_map_begin(json);
	json_field_cstr(json, "url", url);
	json_field_cstr(json, "command", line);
	json_map_end(json);
	return OK;
}

enum err api_check_address(struct api_call *call, struct error *err)
{
	char secret[GUARD_SECRET_BYTES];
	struct monitor_address_make make = { .check = call->params[0], .ret_secret = secret };
	call->context = secret;
	call->status = 201;
	return api_change(call, "check_address", monitor_address_decide, &make, write_address, err);
}
