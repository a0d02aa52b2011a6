/*
 * Asks systemd how it runs the daemon: the user, the groups, and where the daemon may write. Owns
 * nothing; the only thread of `postern -n` calls it. t/integration/test_check_unit.py covers it.
 */
#include "milter/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "milter/loop/listen.h"

static const char properties[] =
	"--property=LoadState,ActiveState,UnitFileState,User,Group,SupplementaryGroups,"
	"PrivateUsers,ProtectSystem,ProtectHome,PrivateTmp,ReadWritePaths,RuntimeDirectory,"
	"StateDirectory,Sockets";

/* Run systemctl and read its output; "" if there is no systemctl, or if it fails. The units are
 * separated by spaces. */
static void ask_systemctl(const char *what, char *units, char output_r[UNIT_TEXT_MAX])
{
	const char *argv[64] = { "systemctl", "show", what };
	size_t len = 0, count = 3;
	char *at = units, *unit;
	ssize_t got;
	int ends[2];
	pid_t child;

	output_r[0] = '\0';
	while (count < 63 && (unit = strsep(&at, " ")) != NULL)
		argv[count++] = unit;
	if (pipe(ends) != 0)
		return;
	if ((child = fork()) == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(STDERR_FILENO);
		(void)execvp("systemctl", (char *const *)argv);
		_exit(127);
	}
	(void)close(ends[1]);
	while (child > 0 && len < UNIT_TEXT_MAX - 1 &&
		(got = read(ends[0], output_r + len, UNIT_TEXT_MAX - 1 - len)) > 0)
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

/* Return whether a property has this value. */
static bool has_value(const char *output, const char *key, const char *value)
{
	char text[64];

	value_of(output, key, text, sizeof(text));
	return strcmp(text, value) == 0;
}

static bool is_in_use(const char *output)
{
	return has_value(output, "LoadState", "loaded") &&
		(has_value(output, "ActiveState", "active") ||
			has_value(output, "UnitFileState", "enabled") ||
			has_value(output, "UnitFileState", "enabled-runtime"));
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

static int find_user(const char *output, struct process_user *user_r, struct errmsg *err)
{
	char user[64], group[64], groups[UNIT_TEXT_MAX], name[130];

	value_of(output, "User", user, sizeof(user));
	value_of(output, "Group", group, sizeof(group));
	value_of(output, "SupplementaryGroups", groups, sizeof(groups));
	(void)text_format(name, sizeof(name), "%s%s%s", user, group[0] == '\0' ? "" : ":", group);
	return process_find_user(name, user_r, err) != 0 ? -1 : add_groups(user_r, groups, err);
}

/* Add the paths of a property below a directory; paths of the unit may begin with - and +. */
static void add_paths(const char *output, const char *key, const char *folder,
	char paths[UNIT_TEXT_MAX])
{
	char value[UNIT_TEXT_MAX], *at = value, *path;
	size_t len;

	value_of(output, key, value, sizeof(value));
	while ((path = strsep(&at, " ")) != NULL) {
		path += folder[0] == '\0' ? strspn(path, "-+") : 0;
		len = strlen(paths);
		if (path[0] != '\0')
			(void)text_format(paths + len, UNIT_TEXT_MAX - len, "%s%s%s",
				len == 0 ? "" : " ", folder, path);
	}
}

/* Add the paths of the sockets that systemd holds: lines "Listen=PATH (Stream)". */
static void find_sockets(const char *output, char paths_r[UNIT_TEXT_MAX])
{
	char units[UNIT_TEXT_MAX], listens[UNIT_TEXT_MAX] = "", *at, *line;
	size_t len;

	paths_r[0] = '\0';
	value_of(output, "Sockets", units, sizeof(units));
	if (units[0] == '\0')
		return;
	ask_systemctl("--property=Listen", units, listens);
	for (at = listens; (line = strsep(&at, "\n")) != NULL;) {
		len = strlen(paths_r);
		if (strncmp(line, "Listen=/", 8) == 0)
			(void)text_format(paths_r + len, UNIT_TEXT_MAX - len, "%s%.*s",
				len == 0 ? "" : " ", (int)strcspn(line + 7, " "), line + 7);
	}
}

bool unit_find(struct unit *unit_r, struct errmsg *err)
{
	char output[UNIT_TEXT_MAX] = "", name[] = UNIT_NAME;
	struct unit found = { .writable = "" };

	err->text[0] = '\0';
	ask_systemctl(properties, name, output);
	if (!is_in_use(output) || has_value(output, "User", ""))
		return false;
	if (find_user(output, &found.user, err) != 0) {
		(void)errmsg_prefix(err, UNIT_NAME ": ");
		return false;
	}
	found.sees_other_groups = !has_value(output, "PrivateUsers", "yes");
	found.writes_anywhere = !has_value(output, "ProtectSystem", "strict");
	found.hides_homes = has_value(output, "ProtectHome", "yes") ||
		has_value(output, "ProtectHome", "tmpfs");
	found.hides_tmp = has_value(output, "PrivateTmp", "yes") ||
		has_value(output, "PrivateTmp", "disconnected");
	add_paths(output, "RuntimeDirectory", "/run/", found.writable);
	add_paths(output, "StateDirectory", "/var/lib/", found.writable);
	add_paths(output, "ReadWritePaths", "", found.writable);
	find_sockets(output, found.sockets);
	*unit_r = found;
	return true;
}
