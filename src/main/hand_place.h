/*
 * hand_place.h: where the hand works: the folder of commands and those of plugins, looked at before anything
 * is forked, and a temporary folder of its own.
 *
 * Commands are for pages: a name, no arguments, the page on standard input. Plugins are for checks: a name
 * and arguments, as Nagios and its heirs call them.
 *
 * The folder and each command must belong to root or to whoever started us, and be writable by nobody
 * else: who may enter a contact, or break into the hand, cannot bring a program.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define HAND_USER "nobody" /* whom root becomes; see README.md for why not the folder's owner */

#define HAND_PLUGIN_FOLDERS_MAX 4u

struct hand_place {
	char commands[PATH_MAX]; /* without links; empty: there are none */
	char plugins[HAND_PLUGIN_FOLDERS_MAX][PATH_MAX];
	unsigned plugins_count;
	char temp[64];           /* made here, removed by hand_place_close */
	uid_t owner;             /* who started us */
};

/* `plugins`: folders with ':' between them. Either may be NULL. `data` must not lie within any of them: what
 * is there can be read. */
enum err hand_place_open(const char *commands, const char *plugins, const char *data,
			 struct hand_place *ret_place, struct error *err);
void hand_place_close(const struct hand_place *place); /* when no hand lives any more */

/* The path of a command that may be run. ERR_INVALID, ERR_NOT_FOUND, ERR_DENIED say why not. */
enum err hand_place_find(const struct hand_place *place, struct str name, char ret_path[PATH_MAX],
			 struct error *err);

/* The same for a plugin, in the first folder that has it. A link is followed within its folder: packages
 * give one program many names, and it goes by the name it is called. */
enum err hand_place_find_plugin(const struct hand_place *place, struct str name,
				char ret_path[PATH_MAX], struct error *err);
