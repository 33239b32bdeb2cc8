/* hand_place.c: see hand_place.h. */
#include "main/hand_place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_DEPTH_FDS 16

static bool only_owner_writes(const struct stat *st, uid_t owner)
{
	return (st->st_uid == 0 || st->st_uid == owner) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* An open folder of commands, or -1. */
static int open_folder(const char *path, uid_t owner, struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED,
			  "could not open the folder of commands \"%s\": %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && only_owner_writes(&st, owner))
		return fd;
	error_set(err, ERR_DENIED, "the folder of commands \"%s\" can be changed by others", path);
	error_hint(err, "let it belong to root or to the user who starts Mainstay, and: chmod go-w %s", path);
	close(fd);
	return -1;
}

static bool is_within(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/' || folder[length - 1] == '/');
}

/* The data folder may not be there yet: then what there is of its path counts. */
static enum err check_data(const char *data, const char *commands, struct error *err)
{
	char path[PATH_MAX], found[PATH_MAX];
	snprintf(path, sizeof path, "%s%s", data[0] == '/' ? "" : "./", data);
	while (realpath(path, found) == NULL) {
		char *slash = strrchr(path, '/');
		if (errno != ENOENT || slash == NULL || slash == path)
			return OK;
		*slash = '\0';
	}
	if (!is_within(found, commands))
		return OK;
	error_set(err, ERR_INVALID, "the data folder \"%s\" lies within the folder of commands \"%s\"", data,
		  commands);
	error_hint(err, "commands can read their folder: give them another one");
	return ERR_INVALID;
}

static enum err make_temp(struct hand_place *place, struct error *err)
{
	snprintf(place->temp, sizeof place->temp, "/tmp/mainstay-hand-XXXXXX");
	if (mkdtemp(place->temp) == NULL)
		return error_set(err, ERR_IO, "could not make a temporary folder for commands: %s",
				 strerror(errno));
	struct passwd *user = place->owner == 0 ? getpwnam(HAND_USER) : NULL;
	if (user == NULL || chown(place->temp, user->pw_uid, user->pw_gid) == 0)
		return OK; /* without that user the hand says so when it starts */
	rmdir(place->temp);
	return error_set(err, ERR_IO, "could not give the temporary folder to \"%s\": %s", HAND_USER,
			 strerror(errno));
}

static enum err open_one(const char *folder, const char *data, uid_t owner, char ret_path[PATH_MAX],
			 struct error *err)
{
	if (realpath(folder, ret_path) == NULL)
		return error_set(err, ERR_NOT_FOUND, "could not open the folder of commands \"%s\": %s",
				 folder, strerror(errno));
	int fd = open_folder(ret_path, owner, err);
	if (fd < 0)
		return ERR_DENIED;
	close(fd);
	return check_data(data, ret_path, err);
}

static enum err open_plugins(const char *folders, const char *data, struct hand_place *place,
			     struct error *err)
{
	char path[PATH_MAX];
	struct str folder, rest = str_of(folders);
	enum err r = OK;
	while (r == OK && rest.len > 0) {
		str_cut(rest, ':', &folder, &rest);
		if (place->plugins_count == HAND_PLUGIN_FOLDERS_MAX || folder.len >= sizeof path)
			return error_set(err, ERR_INVALID, "--plugins takes at most %u folders",
					 HAND_PLUGIN_FOLDERS_MAX);
		snprintf(path, sizeof path, STR_FMT, STR_ARG(folder));
		r = open_one(path, data, place->owner, place->plugins[place->plugins_count++], err);
	}
	return r;
}

enum err hand_place_open(const char *commands, const char *plugins, const char *data,
			 struct hand_place *ret_place, struct error *err)
{
	struct hand_place place = { .owner = geteuid() };
	enum err r = commands != NULL ? open_one(commands, data, place.owner, place.commands, err) : OK;
	if (r == OK && plugins != NULL)
		r = open_plugins(plugins, data, &place, err);
	if (r == OK)
		r = make_temp(&place, err);
	if (r == OK)
		*ret_place = place;
	return r;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	remove(path);
	return 0;
}

void hand_place_close(const struct hand_place *place)
{
	assert(strncmp(place->temp, "/tmp/mainstay-hand-", 19) == 0);
	nftw(place->temp, remove_one, TEMP_DEPTH_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static enum err check_file(int dir, const char *name, uid_t owner, struct error *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_set(err, ERR_NOT_FOUND, "there is no command \"%s\" in the folder of commands",
				 name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_DENIED, "the command \"%s\" is not a regular file", name);
	if (!only_owner_writes(&st, owner))
		return error_set(err, ERR_DENIED, "the command \"%s\" can be changed by others; let it "
				 "belong to root or to the user who starts Mainstay, writable by its owner "
				 "alone", name);
	if (faccessat(dir, name, R_OK | X_OK, AT_EACCESS) == 0 && (st.st_mode & 0111) != 0)
		return OK;
	return error_set(err, ERR_DENIED, "the command \"%s\" cannot be read and executed by the user who "
			 "runs commands; chmod a+rx may help", name);
}

enum err hand_place_find(const struct hand_place *place, struct str name, char ret_path[PATH_MAX],
			 struct error *err)
{
	char text[64], path[PATH_MAX];
	if (!str_is_name(name))
		return error_set(err, ERR_INVALID, "a command is named by small letters, digits and inner "
				 "dots and dashes");
	if (place->commands[0] == '\0')
		return error_set(err, ERR_NOT_FOUND, "the server was started without a directory of commands");
	snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
	int dir = open_folder(place->commands, place->owner, err);
	if (dir < 0)
		return ERR_DENIED;
	enum err r = check_file(dir, text, place->owner, err);
	close(dir);
	if (r != OK)
		return r;
	if (snprintf(path, sizeof path, "%s/%s", place->commands, text) >= (int)sizeof path)
		return error_set(err, ERR_INVALID, "the path of the command \"%s\" is too long", text);
	memcpy(ret_path, path, sizeof path);
	return OK;
}

/* ---- plugins ---- */

static bool is_plugin_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (i == 0 || (c != '_' && c != '-' && c != '.')))
			return false;
	}
	return name.len > 0 && name.len < 64;
}

/* The file that a name in a folder means: itself, or where its link leads within the folder. */
static enum err check_plugin(const char *folder, const char *path, uid_t owner, struct error *err)
{
	char target[PATH_MAX];
	struct stat st;
	if (realpath(path, target) == NULL || stat(target, &st) != 0)
		return error_set(err, ERR_NOT_FOUND, "could not open the plugin \"%s\": %s", path,
				 strerror(errno));
	if (!is_within(target, folder) || !S_ISREG(st.st_mode))
		return error_set(err, ERR_DENIED, "the plugin \"%s\" is not a file of that folder", path);
	if (!only_owner_writes(&st, owner))
		return error_set(err, ERR_DENIED, "the plugin \"%s\" can be changed by others; let it belong to "
				 "root or to the user who starts Mainstay, writable by its owner alone", path);
	if (access(target, R_OK | X_OK) == 0 && (st.st_mode & 0111) != 0)
		return OK;
	return error_set(err, ERR_DENIED, "the plugin \"%s\" cannot be read and executed by the user who "
			 "runs commands", path);
}

enum err hand_place_find_plugin(const struct hand_place *place, struct str name,
				char ret_path[PATH_MAX], struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	if (!is_plugin_name(name))
		return error_set(err, ERR_INVALID, "a plugin is named by letters, digits, dots, dashes and "
				 "underscores");
	for (unsigned i = 0; i < place->plugins_count; i++) {
		if (snprintf(path, sizeof path, "%s/" STR_FMT, place->plugins[i], STR_ARG(name)) >=
			    (int)sizeof path ||
		    lstat(path, &st) != 0)
			continue;
		int dir = open_folder(place->plugins[i], place->owner, err);
		if (dir < 0)
			return ERR_DENIED;
		close(dir);
		enum err r = check_plugin(place->plugins[i], path, place->owner, err);
		if (r == OK)
			memcpy(ret_path, path, sizeof path);
		return r;
	}
	if (place->plugins_count == 0) {
		error_set(err, ERR_NOT_FOUND, "the server was started without a folder of plugins");
		error_hint(err, "start it with --plugins /usr/lib/nagios/plugins");
		return ERR_NOT_FOUND;
	}
	return error_set(err, ERR_NOT_FOUND, "there is no plugin \"" STR_FMT "\" in the folders of plugins",
			 STR_ARG(name));
}
