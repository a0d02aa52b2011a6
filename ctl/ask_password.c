/*
 * Reads a password from a terminal, without echo, or from a pipe, and hashes it. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include "ctl/ask_password.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/auth/password.h"
#include "lib/base/print.h"

#define PASSWORD_SIZE 1024

/* Read one line of at most size - 1 bytes. */
static int read_line(FILE *in, char *text_r, size_t size, struct errmsg *err)
{
	size_t len = 0;
	int c;

	while ((c = getc(in)) != EOF && c != '\n') {
		if (c == '\0')
			return errmsg_set(err, "a password cannot contain a NUL byte");
		if (len + 1 == size)
			return errmsg_set(err, "a password has at most %zu bytes", size - 1);
		text_r[len++] = (char)c;
	}
	if (c == EOF && len == 0)
		return errmsg_set(err, "no password was given");
	text_r[len] = '\0';
	return 0;
}

static volatile sig_atomic_t caught; /* the signal that ended a prompt; 0: none */

static void catch_signal(int signal)
{
	caught = signal;
}

#define SIGNALS 4
static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/*
 * Read a line without echo. A signal ends the reading, and acts when the terminal echoes again. The
 * signals are blocked except while ppoll(2) waits for the line, so that none is missed. SIGTSTP
 * stays blocked: the shell would get a terminal without echo.
 */
static int read_hidden(const struct termios *before, const char *prompt, char *text_r, size_t size,
	struct errmsg *err)
{
	const struct sigaction catching = { .sa_handler = catch_signal };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct sigaction old[SIGNALS];
	struct termios quiet = *before;
	sigset_t blocked, waiting, mask;
	int ret;

	caught = 0;
	(void)sigfillset(&blocked);
	(void)sigprocmask(SIG_BLOCK, &blocked, &mask);
	waiting = mask;
	(void)sigaddset(&waiting, SIGTSTP);
	for (int i = 0; i < SIGNALS; i++) {
		(void)sigaction(signals[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN) /* nohup(1), or a shell's background */
			(void)sigaction(signals[i], &catching, NULL);
	}
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	/* After TCSAFLUSH: what is typed from now on is neither shown nor lost. */
	print_text(stderr, "%s", prompt);
	while (caught == 0 && ppoll(&input, 1, NULL, &waiting) < 0 && errno == EINTR) {
	}
	ret = caught != 0 ? errmsg_set(err, "interrupted") : read_line(stdin, text_r, size, err);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
	print_end(stderr);
	for (int i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &old[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (caught != 0)
		(void)raise(caught);
	return ret;
}

int ask_password(const char *prompt, char *text_r, size_t size, struct errmsg *err)
{
	struct termios before;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(stdin, text_r, size, err);
	return read_hidden(&before, prompt, text_r, size, err);
}

/* On a terminal ask twice, because the password is not shown. */
static int ask_new_password(char password[PASSWORD_SIZE], struct errmsg *err)
{
	char again[PASSWORD_SIZE];
	int same;

	if (ask_password("Password: ", password, PASSWORD_SIZE, err) != 0)
		return -1;
	if (!isatty(STDIN_FILENO))
		return 0;
	if (ask_password("Once more: ", again, PASSWORD_SIZE, err) != 0)
		return -1;
	same = strcmp(password, again) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? 0 : errmsg_set(err, "the two passwords differ");
}

int ask_password_hash(const char *method, unsigned long rounds, char hash_r[384],
	struct errmsg *err)
{
	char password[PASSWORD_SIZE] = "";
	int ret = ask_new_password(password, err);

	if (ret == 0 && password[0] == '\0')
		ret = errmsg_set(err, "the password is empty");
	if (ret == 0)
		ret = password_hash(password, method, rounds, hash_r, err);
	explicit_bzero(password, sizeof(password));
	return ret;
}
