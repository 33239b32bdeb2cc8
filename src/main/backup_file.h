/* backup_file.h: bytes of backups on a disk: written whole, hashed, given their name. For backup*.c and restore.c. */
#pragma once

#include "main/backup.h"

enum err backup_file_write(int fd, const void *bytes, size_t size, struct error *err);

/* Reads `bytes` from `offset` (0: to the end of the file), leaves the file's place behind them. */
enum err backup_file_hash(int fd, int64_t offset, int64_t bytes, backup_progress_fn *progress, const char *doing,
			  struct backup_part *ret_part, struct error *err);

/* The same, and writes what it read to `to`. */
enum err backup_file_copy(int fd, int64_t bytes, int to, backup_progress_fn *progress, const char *doing,
			  struct backup_part *ret_part, struct error *err);

void backup_file_folder(const char *path, char *ret_folder, size_t size);
void backup_file_neighbour(const char *path, char *ret_path, size_t size); /* a name beside it that nobody has */

/* fsync, the final name, fsync of the folder. ERR_CONFLICT: the name was taken meanwhile. */
enum err backup_file_publish(int fd, const char *part, const char *path, struct error *err);
enum err backup_file_sync_folder(const char *path, struct error *err); /* the one that holds the path */
