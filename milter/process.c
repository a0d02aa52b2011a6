/*
 * The steps by which a daemon prepares its own process: background, user, limits, pid file,
 * systemd. Owns the pipe to the waiting parent. Main thread, while it is the only one.
 * t/integration/test_daemon.py covers it.
 */
#include "milter/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/print.h"
#include "lib/base/text.h"
#include "lib/conf/stack.h"
#include "milter/loop/listen.h"

#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */

/* LeakSanitizer inspects its own process as a debugger does. */
#if defined(__SANITIZE_ADDRESS__)
#define MAY_HIDE false
#else
#define MAY_HIDE true
#endif

static int to_parent = -1; /* receives a byte with the exit code; -1: no parent waits */

/* In the parent: wait for the exit code from the child. */
static void wait_for_child(pid_t child, int from_child) __attribute__((noreturn));

static void wait_for_child(pid_t child, int from_child)
{
	unsigned char code;
	ssize_t got;

	do {
		got = read(from_child, &code, 1);
	} while (got < 0 && errno == EINTR);
	if (got == 1)
		_exit(code);
	(void)waitpid(child, NULL, 0);
	_exit(EX_SOFTWARE); /* it died without sending one */
}

int process_daemonize(struct errmsg *err)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errmsg_set(err, "pipe: %s", strerror(errno));
	if ((child = fork()) < 0) {
		(void)errmsg_set(err, "fork: %s", strerror(errno));
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -1;
	}
	if (child > 0) {
		(void)close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	(void)close(ends[0]);
	to_parent = ends[1];
	(void)setsid();
	if (chdir("/") != 0)
		return errmsg_set(err, "cannot change to /: %s", strerror(errno));
	return 0;
}

/* The number of descriptors from LISTEN_FDS_START on that systemd has handed over. */
static unsigned listening_descriptors(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long number = pid != NULL && count != NULL && strtol(pid, NULL, 10) == (long)getpid() ?
		strtol(count, NULL, 10) :
		0;

	return number > 0 && number <= INT_MAX - LISTEN_FDS_START ? (unsigned)number : 0;
}

int process_close_inherited(struct errmsg *err)
{
	unsigned first = LISTEN_FDS_START + listening_descriptors();
	int ret = 0;

	if (to_parent >= 0 && (unsigned)to_parent >= first) {
		if ((unsigned)to_parent > first)
			ret = close_range(first, (unsigned)to_parent - 1, 0);
		first = (unsigned)to_parent + 1;
	}
	if (ret != 0 || close_range(first, UINT_MAX, 0) != 0)
		return errmsg_set(err, "cannot close inherited descriptors: %s", strerror(errno));
	return 0;
}

static void tell_parent(unsigned char code)
{
	if (to_parent < 0)
		return;
	if (write(to_parent, &code, 1) != 1)
		print_line(stderr, "postern: the parent process does not respond");
	(void)close(to_parent);
	to_parent = -1;
}

void process_ready(const char *status)
{
	char message[200];
	int null;

	(void)text_format(message, sizeof(message), "READY=1\nSTATUS=%s", status);
	process_notify(message);
	if (to_parent < 0)
		return;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			(void)close(null);
	}
	tell_parent(0);
}

void process_reloading(void)
{
	struct timespec now;
	char message[80];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)text_format(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	process_notify(message);
}

void process_fail(int code, const struct errmsg *err)
{
	print_line(stderr, "postern: %s", err->text);
	tell_parent((unsigned char)code);
	exit(code);
}

int process_find_user(const char *name, struct process_user *user_r, struct errmsg *err)
{
	struct process_user user = { .uid = geteuid(), .gid = getegid() };
	const char *colon = strchr(name, ':');
	size_t len = colon == NULL ? strlen(name) : (size_t)(colon - name);
	const struct passwd *entry;

	if (len == 0 && colon != NULL)
		return errmsg_set(err, "there is no user before the group in '%s'", name);
	if (len == 0) {
		*user_r = user;
		return 0;
	}
	if (len >= sizeof(user.name))
		return errmsg_set(err, "the user's name is too long: '%s'", name);
	memcpy(user.name, name, len);
	/* cppcheck-suppress getpwnamCalled ; this is the only thread yet */
	if ((entry = getpwnam(user.name)) == NULL)
		return errmsg_set(err,
			"the user '%s' does not exist: add it (adduser --system --group %s), "
			"or set another with -u or [milter] user",
			user.name, user.name);
	if (geteuid() != 0 && entry->pw_uid != geteuid())
		return errmsg_set(err, "only root can become '%s'", user.name);
	if (strlen(entry->pw_dir) >= sizeof(user.home))
		return errmsg_set(err, "the home directory of '%s' has too long a path", user.name);
	memcpy(user.home, entry->pw_dir, strlen(entry->pw_dir) + 1);
	user.uid = entry->pw_uid;
	user.gid = entry->pw_gid;
	if (colon != NULL && colon[1] != '\0' && listen_group(colon + 1, &user.gid, err) != 0)
		return -1;
	*user_r = user;
	return 0;
}

int process_take_group(const struct process_user *user, struct errmsg *err)
{
	if (geteuid() == 0 && user->name[0] != '\0' && setegid(user->gid) != 0)
		return errmsg_set(err, "cannot take the group of '%s': %s", user->name,
			strerror(errno));
	return 0;
}

/* Set the groups of the user, and the additional ones. Returns -1 with errno set. */
static int take_groups(const struct process_user *user)
{
	gid_t *groups;
	int count, ret;

	if (initgroups(user->name, user->gid) != 0)
		return -1;
	if (user->more_group_count == 0)
		return 0;
	if ((count = getgroups(0, NULL)) < 0 ||
		(groups = calloc((size_t)count + PROCESS_GROUPS_MAX, sizeof(*groups))) == NULL)
		return -1;
	if ((count = getgroups(count, groups)) >= 0)
		memcpy(groups + count, user->more_groups,
			(size_t)user->more_group_count * sizeof(*groups));
	ret = count < 0 ? -1 : setgroups((size_t)count + (size_t)user->more_group_count, groups);
	free(groups);
	return ret;
}

static int change_user(const struct process_user *user, struct errmsg *err)
{
	if (geteuid() != 0 || user->name[0] == '\0')
		return 0;
	if (take_groups(user) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)
		return errmsg_set(err, "cannot become '%s': %s", user->name, strerror(errno));
	if (user->uid != 0 && setuid(0) == 0)
		return errmsg_set(err, "can become root again after becoming '%s'", user->name);
	if (setenv("HOME", user->home, 1) != 0 || setenv("USER", user->name, 1) != 0 ||
		setenv("LOGNAME", user->name, 1) != 0)
		return errmsg_set(err, "out of memory for the environment of '%s'", user->name);
	return 0;
}

int process_become(const struct process_user *user, struct errmsg *err)
{
	if (change_user(user, err) != 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errmsg_set(err, "cannot set no_new_privs: %s", strerror(errno));
	return 0;
}

void process_hide(void)
{
	const struct rlimit none = { 0, 0 };

	if (!MAY_HIDE)
		return;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* What a thread has by default depends on RLIMIT_STACK and on the C library. */
static void raise_stacks(void)
{
	pthread_attr_t attr;
	size_t size;

	if (pthread_getattr_default_np(&attr) != 0)
		return;
	if (pthread_attr_getstacksize(&attr, &size) == 0 && size < STACK_MIN &&
		pthread_attr_setstacksize(&attr, STACK_MIN) == 0)
		(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}

void process_raise_limits(void)
{
	struct rlimit files;

	raise_stacks();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

bool process_may_replace_pid(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[32] = "";
	ssize_t len = -1;
	struct stat st;

	if (fd < 0)
		return errno != ENXIO; /* of a link, the link itself is replaced */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		len = read(fd, text, sizeof(text));
	(void)close(fd);
	return len >= 0 && len < (ssize_t)sizeof(text) &&
		strspn(text, "0123456789 \n") == (size_t)len;
}

/* Create the file, with the rights of the process. */
static int write_pid(const char *path, struct errmsg *err)
{
	int fd = -1;

	if (!process_may_replace_pid(path))
		return errmsg_set(err,
			"pid file %s: is not a file with a process id; remove it, or set another path",
			path);
	/* Remove an old file instead of writing to it: in a foreign directory it could be a link.
	 */
	if (unlink(path) == 0 || errno == ENOENT)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return errmsg_set(err, "pid file %s: %s", path, strerror(errno));
	if (dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		(void)errmsg_set(err, "pid file %s: %s", path, strerror(errno));
		(void)close(fd);
		return -1;
	}
	(void)close(fd);
	return 0;
}

int process_write_pid(const char *path, const struct process_user *user, struct errmsg *err)
{
	int ret = listen_become_maker(path, user->uid, err);

	if (ret == 0)
		ret = write_pid(path, err);
	listen_become_root();
	return ret;
}

void process_remove_pid(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0 && strtol(text, NULL, 10) == (long)getpid())
		(void)unlink(path);
	(void)close(fd);
}

bool process_has_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[50];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void process_notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
		(len = strlen(path)) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name of Linux */
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	(void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}
