/*
 * ui_assets.h: the browser UI inside the program.
 *
 * The table is made from web/dist by tools/embed-ui when the program is built: pages, scripts, styles
 * and fonts with their gzip copies. Without a built UI it holds one page that says so. "/index.html"
 * is always there: it is the answer to every path that is neither an asset nor the API's.
 *
 * Owns: nothing, all is static. Runs on: any thread. Errors: none.
 */
#pragma once

#include <stddef.h>

#include "wire/http_server.h"

extern const struct http_asset ui_assets[];
extern const size_t ui_assets_count;
