/* http_server_static.c: assets compiled into the binary, with ETag, 304 and gzip (RFC 9110). */
#include "wire/http_server_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ETAG_BYTES 96

/* The table is short (tens of rows); a walk is cheaper than keeping it sorted. */
const struct http_asset *http_static_find(const struct http_server_config *config, struct str path)
{
	for (size_t i = 0; i < config->asset_count; i++)
		if (str_is(path, config->assets[i].path))
			return &config->assets[i];
	return NULL;
}

/* "gzip;q=0" and "*;q=0.0" say no (RFC 9110, 12.4.2): a weight whose digits are all zero. */
static bool weight_is_zero(struct str parameters)
{
	struct str key, value;
	if (!str_cut(str_trim(parameters), '=', &key, &value) || !str_is(str_trim(key), "q"))
		return false;
	value = str_trim(value);
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] != '0' && value.ptr[i] != '.')
			return false;
	return value.len > 0;
}

bool http_accepts_gzip(const struct http_request *request)
{
	struct str rest, item, coding, parameters;
	if (!http_request_header(request, "accept-encoding", &rest))
		return false;
	while (rest.len > 0) {
		str_cut(rest, ',', &item, &rest);
		str_cut(item, ';', &coding, &parameters);
		coding = str_trim(coding);
		if (coding.len == 4 && strncasecmp(coding.ptr, "gzip", 4) == 0)
			return !weight_is_zero(parameters);
	}
	return false;
}

/* Weak comparison over the list (RFC 9110, 13.1.2). */
static bool none_match(const struct http_request *request, const char *etag)
{
	struct str rest, item;
	if (!http_request_header(request, "if-none-match", &rest))
		return false;
	while (rest.len > 0) {
		str_cut(rest, ',', &item, &rest);
		item = str_trim(item);
		if (str_starts(item, STR("W/")))
			item = str_sub(item, 2, item.len);
		if (str_is(item, "*") || str_is(item, etag))
			return true;
	}
	return false;
}

/* The library is through with the answer, sent or not. */
static void released(void *context)
{
	const struct http_asset *asset = context;
	asset->release(asset);
}

/* The two forms of one asset are two representations, so they have two tags. */
struct MHD_Response *http_static_reply(const struct http_request *request,
				       const struct http_asset *asset, int *ret_status)
{
	assert(asset->etag != NULL);
	assert(strlen(asset->etag) + 8 < ETAG_BYTES);
	bool packed = asset->gzip != NULL && http_accepts_gzip(request);
	char etag[ETAG_BYTES];
	snprintf(etag, sizeof etag, "\"%s%s\"", asset->etag, packed ? "-gz" : "");
	bool unchanged = none_match(request, etag);
	const void *bytes = packed ? asset->gzip : asset->bytes;
	size_t size = packed ? asset->gzip_bytes : asset->size_bytes;
	struct MHD_Response *reply =
		asset->release == NULL
			? MHD_create_response_from_buffer(unchanged ? 0 : size, (void *)bytes, MHD_RESPMEM_PERSISTENT)
			: MHD_create_response_from_buffer_with_free_callback_cls(unchanged ? 0 : size, (void *)bytes, released,
										 (void *)asset);
	assert(reply != NULL);
	if (asset->any_origin)
		MHD_add_response_header(reply, "Access-Control-Allow-Origin", "*");
	MHD_add_response_header(reply, "ETag", etag);
	MHD_add_response_header(reply, "Cache-Control",
				asset->cache_control != NULL ? asset->cache_control : "no-cache");
	if (asset->gzip != NULL)
		MHD_add_response_header(reply, "Vary", "Accept-Encoding");
	if (!unchanged)
		MHD_add_response_header(reply, "Content-Type", asset->type);
	if (!unchanged && packed)
		MHD_add_response_header(reply, "Content-Encoding", "gzip");
	*ret_status = unchanged ? 304 : 200;
	return reply;
}
