/*
 * The command hash: hashes a password that it asks for. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ask_password.h"
#include "ctl/cmd.h"
#include "lib/auth/password.h"
#include "lib/base/print.h"

static int print_hash(const struct ctl *ctl, const char *method, unsigned long rounds,
	struct errmsg *err)
{
	char text[384];

	if (ask_password_hash(method, rounds, text, err) != 0)
		return command_fail(CTL_FAILED, err);
	if (ctl->json)
		print_line(stdout, "{\"hash\": \"%s\"}", text);
	else
		print_line(stdout, "%s", text);
	return CTL_OK;
}

static int report_bad_method(const struct ctl *ctl, const char *method)
{
	print_text(stderr, "posternctl: there is no method '%s'; the methods are", method);
	for (size_t i = 0; password_methods[i] != NULL; i++)
		print_text(stderr, " %s", password_methods[i]);
	print_end(stderr);
	return command_usage(ctl);
}

int cmd_hash(const struct ctl *ctl, int argc, char **argv)
{
	const char *method = password_methods[0];
	unsigned long rounds = 0;
	struct errmsg err;
	size_t known = 0;
	char *end;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "m:r:")) != -1) {
		switch (c) {
		case 'm':
			method = optarg;
			break;
		case 'r':
			errno = 0;
			rounds = strtoul(optarg, &end, 10);
			if (errno != 0 || *end != '\0' || end == optarg || optarg[0] == '-')
				return command_usage(ctl);
			break;
		default:
			command_report_option(argv);
			return command_usage(ctl);
		}
	}
	if (optind != argc)
		return command_usage(ctl);
	while (password_methods[known] != NULL && strcmp(password_methods[known], method) != 0)
		known++;
	if (password_methods[known] == NULL)
		return report_bad_method(ctl, method);
	return print_hash(ctl, method, rounds, &err);
}
