/*
 * file.h: whole files: read with a cap, written so that a crash leaves the old or the new one.
 *
 * Blocking: for start-up, shut-down and background threads, never on a loop.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* The whole content and a NUL that the size does not count; the caller frees with mem_free. Works on
 * files that do not know their size (/proc). ERR_NOT_FOUND, ERR_DENIED, ERR_TOO_LARGE, ERR_IO. */
enum err file_read(const char *path, size_t max_bytes, char **ret_bytes, size_t *ret_size,
                   struct error *err);

/* A temporary neighbour, fsync, rename, fsync of the folder: when OK is returned the bytes are on
 * the disk under that name; on failure the old file stands and the neighbour is removed. */
enum err file_write(const char *path, struct str bytes, mode_t mode, struct error *err);

/* Makes the folder with mode 0700 (its parent must exist). One that exists is fine when it is a
 * folder, ours, and closed to everybody else; otherwise ERR_CONFLICT with what to do. */
enum err file_make_private_folder(const char *path, struct error *err);
