#ifndef POSTERN_PROCESS_H
#define POSTERN_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"

/* The steps by which a daemon prepares its own process. Call these functions while the process has
 * one thread; only process_notify() and process_reloading() may be called later. */

/*
 * Go into the background. Returns only in the child: 0, or -1 with err set. The parent waits for
 * the child and exits with 0 after process_ready(), with the code of process_fail(), or with
 * EX_SOFTWARE if the child dies.
 */
int process_daemonize(struct errmsg *err);

/*
 * Close the descriptors that the daemon's starter has left open, except standard input, output and
 * error and the sockets that systemd hands over. Call it before the daemon opens any itself.
 * Returns 0, or -1 with err set.
 */
int process_close_inherited(struct errmsg *err);

/* Report that the daemon is ready to the parent and to systemd, and close the terminal (in the
 * background). */
void process_ready(const char *status);

/* Print why the daemon cannot start, and exit with code; the parent exits with it, too. */
void process_fail(int code, const struct errmsg *err) __attribute__((noreturn));

/* The user to become. */
#define PROCESS_GROUPS_MAX 16
struct process_user {
	char name[64]; /* "": stay the same user */
	char home[1024];
	uid_t uid;
	gid_t gid;
	gid_t more_groups[PROCESS_GROUPS_MAX]; /* in addition to those of the user */
	int more_group_count;
};

/*
 * Look up "USER" or "USER:GROUP"; "" is the present user. Without root's rights, only the process's
 * own user is accepted. Returns 0, or -1 with err set.
 */
int process_find_user(const char *name, struct process_user *user_r, struct errmsg *err);

/*
 * Create files with the user's group from now on, except in folders that give them another
 * (setgid). Files thus have the same group whether root or the user starts the daemon. 0, or -1
 * with err set.
 */
int process_take_group(const struct process_user *user, struct errmsg *err);

/* Become the user with all of its groups, and give up root's rights and environment; libraries look
 * for files in $HOME. From then on the process, whoever runs it, can gain no privileges
 * (no_new_privs). Returns 0, or -1 with err set. */
int process_become(const struct process_user *user, struct errmsg *err);

/* Prevent core files, ptrace(2) and access to /proc/PID, because memory contains secrets. */
void process_hide(void);

/* Permit as many open files as the system allows, because each SMTP session needs one, and give
 * threads enough stack. */
void process_raise_limits(void);

/* Return whether the start may write the process id to the path: the path does not exist, is a
 * link, or is a file that is empty or contains a number. Any other file may be one that was
 * configured by mistake. */
bool process_may_replace_pid(const char *path);

/* Write the process id to path, as listen_become_maker() describes. Returns 0, or -1 with err set.
 */
int process_write_pid(const char *path, const struct process_user *user, struct errmsg *err);

/* Remove the file if it contains this process's id; path may be "". */
void process_remove_pid(const char *path);

/* Whether standard error is systemd's journal (JOURNAL_STREAM in systemd.exec(5)). */
bool process_has_journal(void);

/* Tell systemd that a reload has begun; "READY=1" ends it. */
void process_reloading(void);

/* Send systemd a message (sd_notify(3)): "READY=1", "STOPPING=1", "STATUS=...". Does nothing
 * without systemd. */
void process_notify(const char *message);

#endif
