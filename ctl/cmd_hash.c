#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/command.h"
#include "lib/auth/password.h"

#define PASSWORD_SIZE 1024

/* One line without its end. -1: none, or too long. */
static int read_line(FILE *file, char line[PASSWORD_SIZE])
{
	size_t len;

	if (fgets(line, PASSWORD_SIZE, file) == NULL)
		return -1;
	len = strcspn(line, "\r\n");
	if (len == PASSWORD_SIZE - 1)
		return -1;
	line[len] = '\0';
	return 0;
}

/* Signals wait meanwhile: whoever is interrupted gets their terminal back as it was. */
static int prompt(const char *words, char line[PASSWORD_SIZE])
{
	struct termios old, silent;
	sigset_t all, signals;
	int ret;

	if (tcgetattr(STDIN_FILENO, &old) != 0)
		return -1;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &signals);
	silent = old;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	(void)fputs(words, stderr);
	(void)fflush(stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	ret = read_line(stdin, line);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	(void)fputc('\n', stderr);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL);
	return ret;
}

static int read_password(char password[PASSWORD_SIZE], struct errmsg *err)
{
	char again[PASSWORD_SIZE];
	int same;

	if (!isatty(STDIN_FILENO)) {
		if (read_line(stdin, password) != 0)
			return errmsg_set(err, "no password on standard input, or one of more than "
				"%d bytes", PASSWORD_SIZE - 2);
		return 0;
	}
	if (prompt("Password: ", password) != 0 || prompt("Once more: ", again) != 0)
		return errmsg_set(err, "no password");
	same = strcmp(password, again) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? 0 : errmsg_set(err, "the two passwords differ");
}

static int hash(const struct ctl *ctl, const char *method, unsigned long rounds,
	struct errmsg *err)
{
	char password[PASSWORD_SIZE] = "";
	char text[384];
	int ret = read_password(password, err);

	if (ret == 0 && password[0] == '\0')
		ret = errmsg_set(err, "the password is empty");
	if (ret == 0)
		ret = password_hash(password, method, rounds, text, err);
	explicit_bzero(password, sizeof(password));
	if (ret != 0)
		return command_fail(CTL_FAILED, err);
	(void)printf(ctl->json ? "{\"hash\": \"%s\"}\n" : "%s\n", text);
	return CTL_OK;
}

static int bad_method(const char *method)
{
	(void)fprintf(stderr, "posternctl: there is no method '%s':", method);
	for (size_t i = 0; password_methods[i] != NULL; i++)
		(void)fprintf(stderr, " %s", password_methods[i]);
	(void)fputc('\n', stderr);
	return command_usage("hash");
}

int cmd_hash(const struct ctl *ctl, int argc, char **argv)
{
	const char *method = password_methods[0];
	unsigned long rounds = 0;
	struct errmsg err;
	size_t known = 0;
	char *end;
	int c;

	while ((c = getopt(argc, argv, "m:r:")) != -1) {
		switch (c) {
		case 'm':
			method = optarg;
			break;
		case 'r':
			errno = 0;
			rounds = strtoul(optarg, &end, 10);
			if (errno != 0 || *end != '\0' || end == optarg || optarg[0] == '-')
				return command_usage(argv[0]);
			break;
		default:
			return command_usage(argv[0]);
		}
	}
	if (optind != argc)
		return command_usage(argv[0]);
	while (password_methods[known] != NULL && strcmp(password_methods[known], method) != 0)
		known++;
	if (password_methods[known] == NULL)
		return bad_method(method);
	return hash(ctl, method, rounds, &err);
}
