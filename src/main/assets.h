/* assets.h: the UI and the contract inside the program; made by tools/embed-ui. */
#pragma once

#include "wire/http_server.h"

extern const struct http_asset asset_table[];
extern const size_t asset_count;
extern const char *const asset_openapi;
