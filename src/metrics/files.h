/* files.h: numbered files of one folder, 00000001.KIND and on. Owns nothing. Blocking. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define FILES_NUMBER_MAX 99999999u

void files_path(const char *folder, uint32_t number, const char *kind, char *ret_path); /* PATH_MAX bytes */

/* The numbers of a kind, rising; free with mem_free, also after a failure. */
enum err files_list(const char *folder, const char *kind, uint32_t **ret_numbers, uint32_t *ret_count, struct error *err);

enum err files_set_aside(const char *path, struct error *err); /* as PATH.lost: for people to look at */
bool files_write(int fd, struct str bytes);
bool files_sync_folder(const char *folder);
enum err files_fail(struct error *err, const char *doing, const char *path); /* ERR_IO, with errno's words */
