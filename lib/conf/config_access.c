/*
 * Reports the sockets of a configuration to which strangers can connect, and the files that they
 * can replace. Owns nothing; any thread may call it.
 */
#include "lib/conf/config_access.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/base/text.h"
#include "lib/conf/file.h"
#include "lib/conf/file_access.h"

#define GROUP_BYTES 16384 /* of a group with its members; a larger one is not looked at */

/* Who may connect to a unix socket. */
struct socket_rights {
	uint32_t mode;
	const char *group; /* "": not set */
};

static bool is_inet(const char *socket)
{
	return strncmp(socket, "inet", 4) == 0;
}

/* Add a note about a key, with the line that sets it. */
static void add_note(const struct config *config, const char *section, const char *name,
	const char *note, struct problems *problems)
{
	struct errmsg text;

	(void)errmsg_set(&text, "%s", note);
	(void)config_key_error(config, section, name, &text);
	problems_note(problems, "%s", text.text);
}

static void note_milter(const struct config *c, struct problems *problems)
{
	const bool inet = is_inet(c->milter.socket);

	if (inet && c->milter.allow_remote)
		add_note(c, "milter", "allow_remote",
			"every machine that reaches the socket can act as the MTA, with any login, and "
			"can crash the daemon; let a firewall admit the MTA alone",
			problems);
	else if (inet)
		add_note(c, "milter", "socket",
			"every process of this machine can connect, act as the MTA, with any login, and "
			"crash the daemon; use a unix socket where the MTA can",
			problems);
	else if ((c->milter.socket_mode & S_IWOTH) != 0)
		add_note(c, "milter", "socket_mode",
			FILE_EVERY_USER " connect, act as the MTA, with any login, and crash the "
					"daemon; use 0660 and socket_group",
			problems);
}

static void note_auth(const struct config *c, struct problems *problems)
{
	static const char inet_note[] =
		"every process of this machine can connect, try passwords and claim any client's "
		"address; use a unix socket where the MTA can";
	const bool has_unix = c->auth.saslauthd[0] != '\0' ||
		(c->auth.socket[0] != '\0' && !is_inet(c->auth.socket)) ||
		(c->auth.inet_socket[0] != '\0' && !is_inet(c->auth.inet_socket));

	if (is_inet(c->auth.socket))
		add_note(c, "auth", "socket", inet_note, problems);
	if (is_inet(c->auth.inet_socket))
		add_note(c, "auth", "inet_socket", inet_note, problems);
	if (has_unix && (c->auth.socket_mode & S_IWOTH) != 0)
		add_note(c, "auth", "socket_mode",
			FILE_EVERY_USER " connect, try passwords and claim any client's address; "
					"use 0660 and socket_group",
			problems);
}

static void note_control(const struct config *c, struct problems *problems)
{
	if (c->control.socket[0] != '\0' && (c->control.socket_mode & S_IRWXO) != 0)
		add_note(c, "control", "socket_mode",
			"it has bits for others, who can then suspend logins, reset limits and read "
			"every decision; use 0600, or 0660 and socket_group",
			problems);
}

void config_note_access(const struct config *config, struct problems *problems)
{
	note_milter(config, problems);
	note_auth(config, problems);
	note_control(config, problems);
}

/* A path that a key sets, with the line that sets it in its notes. */
static void note_use(const struct config *c, const char *section, const char *name,
	const struct file_use *use, struct problems *problems)
{
	struct problems *notes = problems_new();

	file_note_use(use, notes);
	for (size_t i = 0; notes != NULL && i < problems_level_kept(notes, PROBLEM_NOTE); i++)
		add_note(c, section, name, problems_level_text(notes, PROBLEM_NOTE, i), problems);
	problems_free(&notes);
}

/* Return whether a group is known not to pass a directory. Its owner, if he is not the daemon's
 * user, may be the member that matters; an access control list may give other rights. */
static bool is_closed_to(const char *folder, const struct stat *st, gid_t group, uid_t daemon)
{
	return (st->st_mode & (st->st_gid == group ? S_IXGRP : S_IXOTH)) == 0 &&
		(st->st_uid == 0 || st->st_uid == daemon) &&
		getxattr(folder, "system.posix_acl_access", NULL, 0) <= 0;
}

/* Note a socket that the group to which it is given cannot reach, because the directory is closed.
 */
static void note_closed_folder(const struct config *c, const char *section, const char *name,
	const char *path, const struct socket_rights *rights, struct problems *problems)
{
	char *folder = (rights->mode & S_IWGRP) != 0 ? file_directory(path) : NULL;
	char text[GROUP_BYTES], note[512];
	struct group entry, *group = NULL;
	struct stat st;

	if (folder != NULL && stat(folder, &st) == 0 &&
		getgrnam_r(rights->group, &entry, text, sizeof(text), &group) == 0 &&
		group != NULL && is_closed_to(folder, &st, group->gr_gid, c->user)) {
		(void)text_format(note, sizeof(note),
			"%s: the mode of the directory %s is %04o, so that the group '%s' cannot "
			"reach the socket; use chmod %s+x on the directory",
			path, folder, (unsigned)(st.st_mode & 07777), rights->group,
			st.st_gid == group->gr_gid ? "g" : "o");
		add_note(c, section, name, note, problems);
	}
	free(folder);
}

/* While there is no socket at the path, such as during a restart, another one can be put there. */
static void note_socket(const struct config *c, const char *section, const char *name,
	const char *socket, const struct socket_rights *rights, struct problems *problems)
{
	const char *path = socket + (strncmp(socket, "unix:", 5) == 0 ? 5 : 0);

	if (is_inet(socket) || path[0] == '\0')
		return;
	note_use(c, section, name,
		&(const struct file_use){ .path = path,
			.user = c->user,
			.is_made = true,
			.is_socket = true,
			.can = "answer for the daemon" },
		problems);
	if (rights->group[0] != '\0')
		note_closed_folder(c, section, name, path, rights, problems);
}

void config_note_files(const struct config *config, struct problems *problems)
{
	static const char stop[] = "keep the daemon from starting";
	const struct socket_rights milter = { config->milter.socket_mode,
		config->milter.socket_group };
	const struct socket_rights auth = { config->auth.socket_mode, config->auth.socket_group };
	const struct socket_rights control = { config->control.socket_mode,
		config->control.socket_group };
	const struct {
		const char *section, *name, *path, *can;
		bool is_made;
	} files[] = {
		{ "milter", "pid_file", config->milter.pid_file,
			"have another process stopped in place of the daemon", true },
		{ "auth", "suspensions", config->auth.suspensions,
			"suspend logins or end their suspension", true },
		{ "limits", "state", config->limits.state, "change what limits have counted",
			true },
		{ "database", "password_file", config->given.password_file, stop, false },
		{ "jwt", "secret_file", config->given.secret_file, stop, false },
		{ "lists", "public_suffix_list", config->lists.public_suffix_list,
			"change which domains belong together", false },
	};

	file_note_use(&(const struct file_use){ .path = config->path,
			      .user = config->user,
			      .can = "change all settings" },
		problems);
	note_socket(config, "milter", "socket", config->milter.socket, &milter, problems);
	note_socket(config, "auth", "socket", config->auth.socket, &auth, problems);
	note_socket(config, "auth", "inet_socket", config->auth.inet_socket, &auth, problems);
	note_socket(config, "auth", "saslauthd", config->auth.saslauthd, &auth, problems);
	note_socket(config, "control", "socket", config->control.socket, &control, problems);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		note_use(config, files[i].section, files[i].name,
			&(const struct file_use){ .path = files[i].path,
				.user = config->user,
				.is_made = files[i].is_made,
				.can = files[i].can },
			problems);
}
