/*
 * Checks for `postern -n` whether the daemon can create its sockets and files: the rights of its
 * user, and the restrictions of systemd's unit. Owns nothing; one thread calls it.
 * t/integration/test_faults.py and test_check_unit.py cover it.
 */
#include "milter/place_check.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/conf/file.h"
#include "lib/conf/options.h"
#include "milter/loop/listen.h"
#include "milter/process.h"
#include "milter/socket_check.h"

static const char mend_unit[] = "run `systemctl edit postern`, and add below [Service]: ";

/* Add a problem with a setting, or with the option of the command line if section is NULL. */
static void add_setting_problem(const struct config *config, const char *section, const char *key,
	struct errmsg *why, struct problems *problems)
{
	if (section == NULL)
		(void)errmsg_prefix(why, "%s: ", key);
	else
		(void)config_key_error(config, section, key, why);
	problems_add(problems, "%s", why->text);
}

/* The path of a unix socket or a file; NULL if there is none. */
static const char *path_of(const char *value)
{
	if (value[0] == '\0' || strncmp(value, "inet", 4) == 0)
		return NULL;
	return value + (strncmp(value, "unix:", 5) == 0 ? 5 : 0);
}

/* ---- the rights of the user ------------------------------------------------------------ */

/* Add a problem if there is something at the path of a socket or a process id that the daemon does
 * not replace. */
static void check_place(const struct config *config, const char *section, const char *key,
	const char *path, struct problems *problems)
{
	bool is_socket = section != NULL && strcmp(key, "pid_file") != 0;
	struct errmsg why;
	struct stat st;

	if (lstat(path, &st) != 0 ||
		(is_socket ? S_ISSOCK(st.st_mode) : process_may_replace_pid(path)))
		return;
	(void)errmsg_set(&why,
		"%s is not a %s, so that the daemon does not start; remove it, or set another path",
		path, is_socket ? "socket" : "file with a process id");
	add_setting_problem(config, section, key, &why, problems);
}

/* Return whether the place of a socket or a process id is not set, but the default or the chosen
 * one. */
static bool is_default_place(const struct config *config, const char *section, const char *key,
	const char *path)
{
	const struct config_option *option = section == NULL ? NULL : options_find(section, key);

	if (option == NULL)
		return false;
	if ((option->flags & OPTION_CHOSEN) == 0)
		return strcmp(path, option->fallback) == 0;
	return strcmp(section, "milter") == 0 ? config->milter.socket_chosen :
						config->auth.socket_chosen;
}

/* Return whether a file can be created at the path. Root makes it as listen_become_maker()
 * describes.
 */
static bool can_create(const struct config *config, const char *path, const char *folder,
	bool by_root, struct errmsg *why)
{
	bool can = !by_root || listen_become_maker(path, config->user, why) == 0;

	can = can && file_try_create(folder, why) == 0;
	if (by_root)
		listen_become_root();
	return can;
}

static bool is_missing(const char *folder)
{
	struct stat st;

	return lstat(folder, &st) != 0 && errno == ENOENT;
}

/*
 * A socket or a process id is created in a folder that must exist, and that root may write. If the
 * default one is missing, the unit, the init script or the daemon creates it.
 */
static void check_folder(const struct config *config, const char *section, const char *key,
	const char *value, bool by_root, struct problems *problems)
{
	const char *path = path_of(value);
	char *folder;
	struct errmsg why;

	if (path == NULL)
		return;
	check_place(config, section, key, path, problems);
	if ((folder = file_directory(path)) == NULL)
		return;
	if (!(is_default_place(config, section, key, value) && is_missing(folder)) &&
		!can_create(config, path, folder, by_root, &why)) {
		(void)errmsg_prefix(&why,
			"cannot be created in %s, so that the daemon does not start: ", folder);
		add_setting_problem(config, section, key, &why, problems);
	}
	free(folder);
}

/* Return whether systemd holds a socket, so that the daemon does not create it. */
static bool is_held(const struct unit *unit, const char *value)
{
	const char *path = path_of(value), *at;
	size_t len;

	if (unit == NULL || path == NULL)
		return false;
	len = strlen(path);
	for (at = unit->sockets; at[0] != '\0'; at += strspn(at, " ")) {
		if (strncmp(at, path, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += strcspn(at, " ");
	}
	return false;
}

/* The folder of a socket for logins is created, too. */
static void check_auth_folder(const struct config *config, const char *key, const char *socket,
	bool by_root, const struct unit *unit, struct problems *problems)
{
	const bool is_default = is_default_place(config, "auth", key, socket);
	char *folder =
		strncmp(socket, "unix:", 5) == 0 && !is_default ? file_directory(socket + 5) : NULL;
	struct stat st;

	if (is_held(unit, socket))
		;
	else if (folder != NULL && stat(folder, &st) != 0)
		check_folder(config, "auth", key, folder, by_root, problems);
	else
		check_folder(config, "auth", key, socket, by_root, problems);
	free(folder);
}

/* Return whether two paths lead to the same name in the same directory. */
static bool is_same_path(const char *a, const char *b)
{
	const char *name = strrchr(a, '/'), *other = strrchr(b, '/');
	char *folders[] = { file_directory(a), file_directory(b) };
	struct stat first, second;
	bool same = strcmp(a, b) == 0;

	if (!same && folders[0] != NULL && folders[1] != NULL && name != NULL && other != NULL &&
		strcmp(name, other) == 0 && stat(folders[0], &first) == 0 &&
		stat(folders[1], &second) == 0)
		same = first.st_dev == second.st_dev && first.st_ino == second.st_ino;
	free(folders[0]);
	free(folders[1]);
	return same;
}

/* Add a problem if two of the sockets and of the files that the daemon writes are the same. */
static void check_different(const struct config *config, const char *pid_file,
	struct problems *problems)
{
	const struct {
		const char *section, *key, *value;
	} places[] = { { "milter", "socket", config->milter.socket },
		{ "control", "socket", config->control.socket },
		{ "auth", "socket", config->auth.socket },
		{ "auth", "inet_socket", config->auth.inet_socket },
		{ "auth", "saslauthd", config->auth.saslauthd },
		{ "milter", "pid_file", pid_file == NULL ? config->milter.pid_file : "" },
		{ "limits", "state", config->limits.state },
		{ "auth", "suspensions", config->auth.suspensions },
		{ "store", "path", config->store.path } };
	struct errmsg err;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (size_t j = 0; j < i; j++) {
			const char *path = path_of(places[i].value),
				   *other = path_of(places[j].value);

			if (path == NULL || other == NULL ?
					!socket_check_same_inet(places[i].value, places[j].value) :
					!is_same_path(path, other))
				continue;
			(void)errmsg_set(&err,
				"[%s] %s has the same %s, so that the daemon cannot use both",
				places[j].section, places[j].key,
				path == NULL ? "address" : "path");
			add_setting_problem(config, places[i].section, places[i].key, &err,
				problems);
		}
	}
}

/* ---- the groups of sockets ------------------------------------------------------------------- */

/* Return whether the unit's user has a group, by itself or from the unit. */
static bool has_group(const struct process_user *user, gid_t gid)
{
	gid_t groups[1024];
	int count = (int)(sizeof(groups) / sizeof(groups[0]));

	for (int i = 0; i < user->more_group_count; i++)
		if (user->more_groups[i] == gid)
			return true;
	if (getgrouplist(user->name, user->gid, groups, &count) < 0)
		return true;
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* Return whether systemd lets the daemon give a file the group. */
static bool unit_may_give(const struct unit *unit, gid_t gid)
{
	return gid == unit->user.gid || (unit->sees_other_groups && has_group(&unit->user, gid));
}

/* Ask the kernel whether the process may: by membership or by a capability. */
static bool process_may_give(gid_t gid)
{
	int fd = memfd_create("group", MFD_CLOEXEC);
	const bool may = fd < 0 || fchown(fd, (uid_t)-1, gid) == 0; /* otherwise unknown */

	if (fd >= 0)
		(void)close(fd);
	return may;
}

/* unit: systemd starts the daemon; NULL: its own user does. */
static void check_group(const struct config *config, const char *section, const char *group,
	const struct unit *unit, struct problems *problems)
{
	struct errmsg err;
	gid_t gid;

	/* start_check() reports a group that does not exist. */
	if (group[0] == '\0' || listen_group(group, &gid, &err) != 0 ||
		(unit == NULL ? process_may_give(gid) : unit_may_give(unit, gid)))
		return;
	if (unit != NULL)
		(void)errmsg_set(&err,
			"%s does not let the daemon give a socket the group '%s', so that it does "
			"not start; %sSupplementaryGroups=%s and PrivateUsers=no",
			UNIT_NAME, group, mend_unit, group);
	else
		(void)errmsg_set(&err,
			"user %lu cannot give a socket the group '%s', so that the daemon does not "
			"start; add the user to the group, or let root start the daemon",
			(unsigned long)geteuid(), group);
	add_setting_problem(config, section, "socket_group", &err, problems);
}

static void check_groups(const struct config *config, const struct unit *unit,
	struct problems *problems)
{
	const struct config_auth *auth = &config->auth;
	const char *const sockets[] = { auth->socket, auth->inet_socket, auth->saslauthd };
	bool makes_one = false;

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		makes_one =
			makes_one || (path_of(sockets[i]) != NULL && !is_held(unit, sockets[i]));
	if (path_of(config->milter.socket) != NULL)
		check_group(config, "milter", config->milter.socket_group, unit, problems);
	if (makes_one)
		check_group(config, "auth", auth->socket_group, unit, problems);
	if (path_of(config->control.socket) != NULL)
		check_group(config, "control", config->control.socket_group, unit, problems);
}

void place_check(const struct config *config, const char *pid_file, bool by_root,
	const struct unit *unit, struct problems *problems)
{
	check_different(config, pid_file, problems);
	if (!by_root && unit == NULL)
		check_groups(config, NULL, problems);
	check_folder(config, "milter", "socket", config->milter.socket, by_root, problems);
	if (pid_file != NULL)
		check_folder(config, NULL, "-P", pid_file, by_root, problems);
	else
		check_folder(config, "milter", "pid_file", config->milter.pid_file, by_root,
			problems);
	check_folder(config, "control", "socket", config->control.socket, by_root, problems);
	check_auth_folder(config, "socket", config->auth.socket, by_root, unit, problems);
	check_auth_folder(config, "inet_socket", config->auth.inet_socket, by_root, unit, problems);
	check_auth_folder(config, "saslauthd", config->auth.saslauthd, by_root, unit, problems);
}

/* ---- the restrictions of the unit ---------------------------------------------------------- */

/* Return whether a folder is one of the directories of the unit, or below one. Links are followed.
 */
static bool is_writable(const struct unit *unit, const char *folder)
{
	char list[UNIT_TEXT_MAX], *at = list, *name, *allowed;
	bool is = false;
	size_t len;

	(void)text_format(list, sizeof(list), "%s", unit->writable);
	while (!is && (name = strsep(&at, " ")) != NULL) {
		if (name[0] == '\0' || (allowed = realpath(name, NULL)) == NULL)
			continue;
		len = strlen(allowed);
		len -= len == 1; /* the root directory */
		is = strncmp(folder, allowed, len) == 0 &&
			(folder[len] == '\0' || folder[len] == '/');
		free(allowed);
	}
	return is;
}

/* Check the directory of a socket or a file. One that does not exist is reported elsewhere, or the
 * unit makes it. */
static void check_writable(const struct config *config, const char *section, const char *key,
	const char *value, const struct unit *unit, const char *so, struct problems *problems)
{
	const char *path = path_of(value);
	char *folder, *real = NULL;
	struct errmsg err;

	if (path == NULL || unit->writes_anywhere || is_held(unit, value) ||
		(folder = file_directory(path)) == NULL)
		return;
	if ((real = realpath(folder, NULL)) != NULL && !is_writable(unit, real)) {
		(void)errmsg_set(&err,
			"%s does not let the daemon write to %s, so that %s; %sReadWritePaths=%s",
			UNIT_NAME, folder, so, mend_unit, folder);
		add_setting_problem(config, section, key, &err, problems);
	}
	free(real);
	free(folder);
}

/* Return the unit's setting that hides the path from the daemon, or NULL. Links are followed. */
static const char *hidden_by(const struct unit *unit, const char *path)
{
	static const struct {
		const char *folder, *setting;
		bool is_home;
	} hidden[] = { { "/home/", "ProtectHome", true }, { "/root/", "ProtectHome", true },
		{ "/run/user/", "ProtectHome", true }, { "/tmp/", "PrivateTmp", false },
		{ "/var/tmp/", "PrivateTmp", false } };
	char *real = realpath(path, NULL);
	const char *at = real == NULL ? path : real, *setting = NULL;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && setting == NULL; i++) {
		if ((hidden[i].is_home ? unit->hides_homes : unit->hides_tmp) &&
			strncmp(at, hidden[i].folder, strlen(hidden[i].folder)) == 0)
			setting = hidden[i].setting;
	}
	free(real);
	return setting;
}

/* Check the files that people write, which the daemon reads. */
static void check_hidden(const struct config *config, const struct unit *unit,
	struct problems *problems)
{
	const struct {
		const char *section, *key, *path;
	} read[] = { { "lists", "directory", config->lists.directory },
		{ "lists", "public_suffix_list", config->lists.public_suffix_list },
		{ "store", "path", config->store.path },
		{ "jwt", "keys_file", config->jwt.keys_file },
		{ "jwt", "secret_file", config->given.secret_file },
		{ "database", "password_file", config->given.password_file } };
	const char *setting;
	struct errmsg err;

	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		if ((setting = hidden_by(unit, read[i].path)) == NULL)
			continue;
		(void)errmsg_set(&err,
			"%s hides %s from the daemon; move it, for instance to /etc/postern, or %s%s=no",
			UNIT_NAME, read[i].path, mend_unit, setting);
		add_setting_problem(config, read[i].section, read[i].key, &err, problems);
	}
}

void place_check_unit(const struct config *config, const struct unit *unit,
	struct files_report *report)
{
	const struct {
		const char *section, *key, *value;
	} starts[] = { { "milter", "socket", config->milter.socket },
		{ "milter", "pid_file", config->milter.pid_file },
		{ "control", "socket", config->control.socket },
		{ "auth", "socket", config->auth.socket },
		{ "auth", "inet_socket", config->auth.inet_socket },
		{ "auth", "saslauthd", config->auth.saslauthd } },
	  files[] = { { "store", "path", config->database.present ? config->store.path : "" },
		  { "limits", "state", config->limits.state },
		  { "auth", "suspensions", config->auth.suspensions } };

	check_groups(config, unit, report->unreadable);
	check_hidden(config, unit, report->unreadable);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		check_writable(config, starts[i].section, starts[i].key, starts[i].value, unit,
			"it does not start", report->unreadable);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		check_writable(config, files[i].section, files[i].key, files[i].value, unit,
			"it cannot write this file", report->problems);
}
