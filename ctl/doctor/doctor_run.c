/*
 * Runs programs and functions in child processes for posternctl doctor. Owns the children until
 * they end. t/unit/test_doctor_run.c covers it.
 */
#include "ctl/doctor/doctor_run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)8 << 20) /* of each stream; a program that prints more is killed */
#define SBIN ":/usr/local/sbin:/usr/sbin:/sbin"
#define NOT_STARTED 250 /* exit code of a child that does not get its identity */

static long long limit_ms = 30000;

void doctor_run_limit(unsigned ms)
{
	limit_ms = ms;
}

static long long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the child: become the program. */
static void run_program(const char *const argv[], const int out[2], const int errors[2])
{
	const char *path = getenv("PATH");
	struct strbuf whole = STRBUF_INIT;
	const int nothing = open("/dev/null", O_RDONLY);

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	strbuf_addf(&whole, "%s" SBIN, path == NULL ? "/usr/bin:/bin" : path);
	if (nothing < 0 || whole.failed || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(out[1], STDOUT_FILENO) < 0 || dup2(errors[1], STDERR_FILENO) < 0 ||
		setenv("PATH", whole.text, 1) != 0 || setenv("LC_ALL", "C", 1) != 0)
		_exit(NOT_STARTED);
	(void)execvp(argv[0], (char *const *)argv);
	_exit(errno == ENOENT ? DOCTOR_RUN_MISSING : NOT_STARTED);
}

/* Read the available output. Returns 1, 0 at the end, or -1 if there is too much. */
static int read_some(int fd, struct strbuf *out)
{
	char text[4096];
	const ssize_t got = read(fd, text, sizeof(text));

	if (got < 0 && errno == EINTR)
		return 1;
	if (got <= 0)
		return 0;
	if (out != NULL)
		strbuf_add(out, text, (size_t)got);
	return out != NULL && out->len > OUTPUT_MAX ? -1 : 1;
}

/* Read both streams to their ends. Returns 0, or -1 with err set. */
static int read_all(const int fds[2], struct strbuf *const texts[2], long long end,
	struct errmsg *err)
{
	struct pollfd polled[2] = { { .fd = fds[0], .events = POLLIN },
		{ .fd = fds[1], .events = POLLIN } };

	while (polled[0].fd >= 0 || polled[1].fd >= 0) {
		const long long left = end - now_ms();

		if (left <= 0)
			return errmsg_set(err, "it did not end within %lld s", limit_ms / 1000);
		if (poll(polled, 2, (int)left) < 0 && errno != EINTR)
			return errmsg_set(err, "poll: %s", strerror(errno));
		for (int i = 0; i < 2; i++) {
			const int got = polled[i].revents == 0 ? 1 : read_some(fds[i], texts[i]);

			if (got < 0)
				return errmsg_set(err, "it prints too much");
			if (got == 0)
				polled[i].fd = -1;
			polled[i].revents = 0;
		}
	}
	return 0;
}

/* End a child, and what it has started. */
static void kill_child(pid_t child)
{
	int status;

	(void)kill(-child, SIGKILL);
	(void)kill(child, SIGKILL); /* which may not have its group yet */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
}

/* Wait for the child, which is killed at `end` (now_ms()). Returns its exit code, or -1 with err
 * set. */
static int wait_for(pid_t child, long long end, struct errmsg *err)
{
	pid_t ended;
	int status;

	while ((ended = waitpid(child, &status, WNOHANG)) != child) {
		if (ended < 0 && errno != EINTR)
			return errmsg_set(err, "waitpid: %s", strerror(errno));
		if (now_ms() >= end) {
			kill_child(child);
			return errmsg_set(err, "it did not end within %lld s", limit_ms / 1000);
		}
		(void)poll(NULL, 0, 1);
	}
	if (WIFSIGNALED(status))
		return errmsg_set(err, "it was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == NOT_STARTED)
		return errmsg_set(err, "it cannot be started");
	return WEXITSTATUS(status);
}

int doctor_run(const char *const argv[], struct strbuf *out, struct strbuf *errors,
	struct errmsg *err)
{
	const long long end = now_ms() + limit_ms;
	int out_pipe[2], errors_pipe[2], ret;
	pid_t child;

	if (pipe2(out_pipe, O_CLOEXEC) != 0)
		return errmsg_set(err, "%s: pipe: %s", argv[0], strerror(errno));
	if (pipe2(errors_pipe, O_CLOEXEC) != 0) {
		ret = errmsg_set(err, "%s: pipe: %s", argv[0], strerror(errno));
		goto close_out;
	}
	if ((child = fork()) == 0)
		run_program(argv, out_pipe, errors_pipe);
	(void)close(out_pipe[1]);
	(void)close(errors_pipe[1]);
	out_pipe[1] = errors_pipe[1] = -1;
	if (child < 0) {
		ret = errmsg_set(err, "%s: fork: %s", argv[0], strerror(errno));
		goto close_all;
	}
	ret = read_all((const int[2]){ out_pipe[0], errors_pipe[0] },
		(struct strbuf *const[2]){ out, errors }, end, err);
	if (ret != 0)
		kill_child(child);
	else
		ret = wait_for(child, end, err);
	if (ret < 0)
		(void)errmsg_prefix(err, "%s: ", argv[0]);
close_all:
	(void)close(errors_pipe[0]);
	if (errors_pipe[1] >= 0)
		(void)close(errors_pipe[1]);
close_out:
	(void)close(out_pipe[0]);
	if (out_pipe[1] >= 0)
		(void)close(out_pipe[1]);
	return ret;
}

/* In the child: take the identity. The groups are looked up before chroot(2) hides their file. */
static bool take_identity(const struct doctor_identity *identity)
{
	if (identity->name != NULL ? initgroups(identity->name, identity->gid) != 0 :
				     setgroups(1, &identity->gid) != 0)
		return false;
	if ((identity->root != NULL && chroot(identity->root) != 0) ||
		chdir(identity->folder != NULL ? identity->folder : "/") != 0)
		return false;
	return setgid(identity->gid) == 0 && setuid(identity->uid) == 0;
}

int doctor_run_as(const struct doctor_identity *identity, int (*function)(void *), void *context,
	struct errmsg *err)
{
	const pid_t child = fork();

	if (child < 0)
		return errmsg_set(err, "fork: %s", strerror(errno));
	if (child == 0)
		_exit(take_identity(identity) ? function(context) : NOT_STARTED);
	return wait_for(child, now_ms() + limit_ms, err);
}
