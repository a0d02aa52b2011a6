/*
 * Reads a password from a terminal, without echo, or from a pipe. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include "ctl/ask_password.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/print.h"

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

int ask_password(const char *prompt, char *text_r, size_t size, struct errmsg *err)
{
	struct termios before, quiet;
	sigset_t all, signals;
	int ret;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(stdin, text_r, size, err);
	/* Hold signals back until the terminal echoes again. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &signals);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	/* After TCSAFLUSH: what is typed from now on is neither shown nor lost. */
	print_text(stderr, "%s", prompt);
	ret = read_line(stdin, text_r, size, err);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	print_end(stderr);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL);
	return ret;
}
