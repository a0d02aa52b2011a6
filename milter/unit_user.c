/*
 * Asks systemd for the user and groups of the daemon. Owns nothing; the only thread of `postern -n`
 * calls it. t/integration/test_faults.py covers it.
 */
#include "milter/unit_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "milter/loop/listen.h"

#define OUTPUT_MAX 4096

/* Run systemctl and read its output; "" if there is no systemctl, or if it fails. */
static void ask_systemctl(char output_r[OUTPUT_MAX])
{
	size_t len = 0;
	ssize_t got;
	int ends[2];
	pid_t child;

	output_r[0] = '\0';
	if (pipe(ends) != 0)
		return;
	if ((child = fork()) == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(STDERR_FILENO);
		(void)execlp("systemctl", "systemctl", "show", "postern.service",
			"--property=LoadState,ActiveState,UnitFileState,User,Group,"
			"SupplementaryGroups",
			(char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	while (child > 0 && len < OUTPUT_MAX - 1 &&
		(got = read(ends[0], output_r + len, OUTPUT_MAX - 1 - len)) > 0)
		len += (size_t)got;
	(void)close(ends[0]);
	output_r[len] = '\0';
	if (child > 0)
		(void)waitpid(child, NULL, 0);
}

/* Copy the value of "KEY=VALUE" in the lines of output; "" if there is no such line. */
static void value_of(const char *output, const char *key, char *value_r, size_t size)
{
	const size_t len = strlen(key);

	value_r[0] = '\0';
	for (; output != NULL; output = strchr(output, '\n')) {
		output += *output == '\n';
		if (strncmp(output, key, len) != 0 || output[len] != '=')
			continue;
		output += len + 1;
		(void)text_format(value_r, size, "%.*s", (int)strcspn(output, "\n"), output);
		return;
	}
}

static bool is_in_use(const char *output)
{
	char loaded[64], active[64], enabled[64];

	value_of(output, "LoadState", loaded, sizeof(loaded));
	value_of(output, "ActiveState", active, sizeof(active));
	value_of(output, "UnitFileState", enabled, sizeof(enabled));
	return strcmp(loaded, "loaded") == 0 &&
		(strcmp(active, "active") == 0 || strncmp(enabled, "enabled", 7) == 0);
}

/* Add the groups, whose names are separated by spaces. */
static int add_groups(struct process_user *user, char *names, struct errmsg *err)
{
	char *at = names, *name;

	while ((name = strsep(&at, " ")) != NULL) {
		if (name[0] == '\0')
			continue;
		if (user->more_group_count == PROCESS_GROUPS_MAX)
			return errmsg_set(err, "more than %d groups", PROCESS_GROUPS_MAX);
		if (listen_group(name, &user->more_groups[user->more_group_count], err) != 0)
			return -1;
		user->more_group_count++;
	}
	return 0;
}

bool unit_user_find(struct process_user *user_r, struct errmsg *err)
{
	char output[OUTPUT_MAX] = "", user[64], group[64], groups[OUTPUT_MAX], name[130];
	struct process_user found;

	err->text[0] = '\0';
	ask_systemctl(output);
	value_of(output, "User", user, sizeof(user));
	if (!is_in_use(output) || user[0] == '\0')
		return false;
	value_of(output, "Group", group, sizeof(group));
	value_of(output, "SupplementaryGroups", groups, sizeof(groups));
	(void)text_format(name, sizeof(name), "%s%s%s", user, group[0] == '\0' ? "" : ":", group);
	if (process_find_user(name, &found, err) != 0 || add_groups(&found, groups, err) != 0) {
		(void)errmsg_prefix(err, "postern.service: ");
		return false;
	}
	*user_r = found;
	return true;
}
