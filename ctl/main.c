#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/command.h"
#include "lib/conf/config.h"
#include "lib/conf/near_name.h"

/* NO_COLOR: see no-color.org. */
static bool terminal_likes_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
		terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int bad_option(const char *option, const char *why)
{
	(void)fprintf(stderr, "posternctl: %s: %s; see 'posternctl help'\n", option, why);
	return EX_USAGE;
}

static int set_colour(struct ctl *ctl, const char *option)
{
	const char *when = strchr(option, '=') + 1;

	if (strcmp(when, "always") == 0)
		ctl->colour = true;
	else if (strcmp(when, "never") == 0)
		ctl->colour = false;
	else if (strcmp(when, "auto") != 0)
		return bad_option(option, "auto, always or never");
	return CTL_OK;
}

/* The options of all commands may stand anywhere before "--": take them out of argv. */
static int take_options(struct ctl *ctl, int *argc, char **argv)
{
	int kept = 1, ret;

	for (int i = 1; i < *argc; i++) {
		const char **value = NULL;

		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0)
			value = &ctl->config_path;
		else if (strcmp(argv[i], "-s") == 0 || strcmp(argv[i], "--socket") == 0)
			value = &ctl->socket_path;
		if (value != NULL) {
			if (i + 1 == *argc)
				return bad_option(argv[i], "a value is missing");
			*value = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0) {
			ctl->json = true;
		} else if (strncmp(argv[i], "--colour=", 9) == 0 ||
			strncmp(argv[i], "--color=", 8) == 0) {
			if ((ret = set_colour(ctl, argv[i])) != CTL_OK)
				return ret;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return CTL_OK;
}

static int no_such_command(const char *name)
{
	const struct command *command;
	const char *near = NULL;
	unsigned best = NEAR_NAME_MAX;
	char why[100];

	for (command = commands; command->name != NULL; command++) {
		if (near_name_better(name, command->name, &best))
			near = command->name;
	}
	if (near == NULL)
		return bad_option(name, "there is no such command");
	(void)snprintf(why, sizeof(why), "there is no such command; did you mean %s?", near);
	return bad_option(name, why);
}

/* What was said to standard output has to have got there. */
static int finish(int code)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == CTL_OK) {
		(void)fprintf(stderr, "posternctl: can't write to standard output\n");
		return EX_IOERR;
	}
	return code;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .config_path = CONFIG_FILE_DEFAULT, .colour = terminal_likes_colour() };
	const struct command *command;
	const char *name;
	int ret;

	if ((ret = take_options(&ctl, &argc, argv)) != CTL_OK)
		return ret;
	name = argc < 2 ? "help" : argv[1];
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	else if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
		name = "version";
	for (command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return finish(argc < 2 ? command->run(&ctl, argc, argv) :
						 command->run(&ctl, argc - 1, argv + 1));
	}
	return no_such_command(name);
}
