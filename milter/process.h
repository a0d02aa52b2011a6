#ifndef POSTERN_PROCESS_H
#define POSTERN_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"

/* What a daemon does to its own process. To be called while there is one thread, except for
 * process_notify(). */

/*
 * Go into the background. Returns in the child alone; the parent waits until the child
 * says process_ready() and exits with 0 then, or with the code of process_fail(), or with
 * EX_SOFTWARE when the child dies. 0, or -1 with err set.
 */
int process_daemonize(struct errmsg *err);

/* All is up: let the parent go, and (in the background) give up the terminal. Tells systemd, too.
 */
void process_ready(const char *status);

/* Say why the daemon can't start, by standard error and to the parent, and exit with code. */
void process_fail(int code, const struct errmsg *err) __attribute__((noreturn));

/* Whom to become. */
struct process_user {
	char name[64]; /* "": nobody else */
	char home[1024];
	uid_t uid;
	gid_t gid;
};

/*
 * Look up "USER" or "USER:GROUP". name "": whoever runs it. A process that isn't root's may only
 * name itself. 0, or -1 with err set.
 */
int process_find_user(const char *name, struct process_user *user_r, struct errmsg *err);

/*
 * Create files with the user's group from now on, except in folders that give them another
 * (setgid). Files thus have the same group whether root or the user starts the daemon. 0, or -1
 * with err set.
 */
int process_take_group(const struct process_user *user, struct errmsg *err);

/* Become the user with all of their groups and nothing of root's left, nor of root's environment:
 * libraries look for files in $HOME. 0, or -1 with err set. */
int process_become(const struct process_user *user, struct errmsg *err);

/* No core file, no ptrace(2) by others, /proc/PID closed: secrets are in memory. */
void process_hide(void);

/* As many open files as the system allows: each SMTP session is one. */
void process_raise_limits(void);

/* Write our number to path. 0, or -1 with err set. */
int process_write_pid(const char *path, struct errmsg *err);

/* Whether standard error is systemd's journal (JOURNAL_STREAM in systemd.exec(5)). */
bool process_has_journal(void);

/* A message for systemd (sd_notify(3)): "READY=1", "STOPPING=1", "STATUS=...". Without systemd:
 * nothing. */
void process_notify(const char *message);

#endif
