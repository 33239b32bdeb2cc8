/* sandbox.c: see sandbox.h. Landlock: Documentation/userspace-api/landlock.rst of the kernel. */
#include "sys/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define FS_OF_ABI_1 ((1ULL << 13) - 1)
#define FS_RUN LANDLOCK_ACCESS_FS_EXECUTE
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE (~FS_RUN) /* everything but running: what is written there stays data */
#define FS_OF_FILES \
	(FS_RUN | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr { /* as in kernels from 6.12 on; older ones are told a smaller size */
	uint64_t handled_access_fs, handled_access_net, scoped;
};

static enum err failed(const char *what, struct error *err)
{
	enum err code = errno == EPERM || errno == EACCES ? ERR_DENIED : ERR_IO;
	return error_set(err, code, "could not %s: %s", what, strerror(errno));
}

/* ---- bounds ---- */

static enum err bound(pid_t pid, int resource, uint64_t most, struct error *err)
{
	struct rlimit now, wanted;
	if (most == 0)
		return OK;
	if (prlimit(pid, resource, NULL, &now) != 0)
		return errno == ESRCH ? OK : failed("read the bounds of a process", err);
	wanted.rlim_max = most < now.rlim_max ? most : now.rlim_max;
	wanted.rlim_cur = most < now.rlim_cur ? most : now.rlim_cur;
	if (prlimit(pid, resource, &wanted, NULL) != 0 && errno != ESRCH)
		return failed("bound a process", err);
	return OK;
}

enum err sandbox_bound(pid_t pid, const struct sandbox_bounds *bounds, struct error *err)
{
	assert(pid >= 0 && bounds->cpu >= 0);
	enum err r = bound(pid, RLIMIT_CPU, (uint64_t)((bounds->cpu + TIME_SECOND - 1) / TIME_SECOND), err);
	if (r == OK)
		r = bound(pid, RLIMIT_AS, bounds->address_bytes, err);
	if (r == OK)
		r = bound(pid, RLIMIT_FSIZE, bounds->file_bytes, err);
	if (r == OK)
		r = bound(pid, RLIMIT_NOFILE, bounds->files, err);
	if (r == OK)
		r = bound(pid, RLIMIT_NPROC, bounds->processes, err);
	return r;
}

/* A core file would be a copy of the memory, written by the kernel where nobody expects it. */
static enum err no_core(struct error *err)
{
	struct rlimit none = { 0, 0 };
	return setrlimit(RLIMIT_CORE, &none) != 0 ? failed("forbid core files", err) : OK;
}

/* ---- Landlock ---- */

unsigned sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi > 0 ? (unsigned)abi : 0;
}

static uint64_t rights_of(unsigned abi)
{
	uint64_t rights = FS_OF_ABI_1;
	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static int make_ruleset(unsigned abi)
{
	struct ruleset_attr attr = { .handled_access_fs = rights_of(abi) };
	size_t size = abi < 4 ? 8 : abi < 6 ? 16 : sizeof attr;
	if (abi >= 6)
		attr.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET;
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

static enum err allow(int ruleset, const char *path, uint64_t rights, struct error *err)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return OK; /* what is not there needs no permission */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= FS_OF_FILES;
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };
	long bad = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
	if (bad == 0)
		return OK;
	return error_set(err, ERR_IO, "could not allow \"%s\" to the sandbox: %s", path, strerror(errno));
}

static enum err allow_all(int ruleset, const char *const *paths, uint64_t rights, struct error *err)
{
	enum err r = OK;
	for (unsigned i = 0; r == OK && paths != NULL && paths[i] != NULL; i++) {
		assert(i < SANDBOX_PATHS_MAX);
		r = allow(ruleset, paths[i], rights, err);
	}
	return r;
}

static enum err wall_in(const struct sandbox *sandbox, unsigned abi, struct error *err)
{
	uint64_t rights = rights_of(abi);
	int ruleset = make_ruleset(abi);
	if (ruleset < 0)
		return failed("make the rules of a sandbox", err);
	enum err r = allow_all(ruleset, sandbox->run, rights & (FS_RUN | FS_READ), err);
	if (r == OK)
		r = allow_all(ruleset, sandbox->read, rights & FS_READ, err);
	if (r == OK)
		r = allow_all(ruleset, sandbox->write, rights & FS_WRITE, err);
	if (r == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		r = failed("enter the sandbox", err);
	close(ruleset);
	return r;
}

/* ---- user ---- */

static enum err find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct error *err)
{
	struct passwd *user = getpwnam(name);
	if (user == NULL)
		return error_set(err, ERR_NOT_FOUND, "there is no user \"%s\" to run programs as", name);
	if (user->pw_uid == 0)
		return error_set(err, ERR_INVALID, "the user \"%s\" is root: that is no lesser one", name);
	*ret_uid = user->pw_uid;
	*ret_gid = user->pw_gid;
	return OK;
}

static enum err become(uid_t uid, gid_t gid, struct error *err)
{
	assert(uid != 0);
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return failed("become a lesser user", err);
	if (setresuid(0, 0, 0) == 0 || geteuid() == 0)
		return error_set(err, ERR_IO, "could become root again after leaving it");
	return OK;
}

/* ---- all of it ---- */

void sandbox_close_all_but(int keep)
{
	assert(keep == -1 || keep > 2);
	if (keep > 3)
		close_range(3, (unsigned)keep - 1, 0);
	close_range(keep > 2 ? (unsigned)keep + 1 : 3, ~0u, 0);
}

enum err sandbox_limit(const struct sandbox *sandbox, struct sandbox_got *ret_got, struct error *err)
{
	struct sandbox_got got = { .other_user = sandbox->user != NULL && geteuid() == 0,
				   .landlock_abi = sandbox_landlock_abi() };
	uid_t uid = 0;
	gid_t gid = 0;
	enum err r = got.other_user ? find_user(sandbox->user, &uid, &gid, err) : OK;
	if (r != OK)
		return r;
	setsid(); /* it fails for who leads a group already, and that is as good */
	umask(077);
	sandbox_close_all_but(sandbox->keep);
	r = sandbox_bound(0, &sandbox->bounds, err);
	if (r == OK)
		r = no_core(err);
	if (r == OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		r = failed("refuse new privileges", err);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r == OK && got.landlock_abi > 0)
		r = wall_in(sandbox, got.landlock_abi, err);
	if (r == OK && got.other_user)
		r = become(uid, gid, err);
	/* Programs of the same user could otherwise read our memory and environment. */
	if (r == OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		r = failed("close our memory to others", err);
	if (r == OK)
		*ret_got = got;
	return r;
}
