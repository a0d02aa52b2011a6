/*
 * Reports the sockets of a configuration to which strangers can connect, and the files that they
 * can replace. Owns nothing; any thread may call it.
 */
#include "lib/conf/config_access.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/conf/file.h"
#include "lib/conf/file_access.h"

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

/* While there is no socket at the path, such as during a restart, another one can be put there. */
static void note_folder(const struct config *c, const char *section, const char *name,
	const char *socket, struct problems *problems)
{
	const char *path = socket + (strncmp(socket, "unix:", 5) == 0 ? 5 : 0);
	char *folder = path[0] == '\0' || is_inet(socket) ? NULL : file_directory(path);
	const mode_t mode = folder == NULL ? 0 : file_loose_mode(folder);
	struct errmsg note;

	if (mode != 0) {
		(void)errmsg_set(&note,
			FILE_EVERY_USER
			" put another socket in its place and answer "
			"for the daemon, because the mode of %s is %04o; use another directory",
			folder, (unsigned)mode);
		add_note(c, section, name, note.text, problems);
	}
	free(folder);
}

/* A file that does not exist yet, or that the daemon writes, can be put into a sticky directory,
 * too.
 */
enum keeping { WRITTEN_BY_DAEMON, WRITTEN_BY_PEOPLE };

/* Add a note if every user may put another file in the place of this one. */
static void note_file(const struct config *c, const char *section, const char *name,
	const char *path, enum keeping keeping, const char *can, struct problems *problems)
{
	char *folder = path[0] == '\0' ? NULL : file_directory(path);
	const mode_t mode = folder == NULL ? 0 : file_loose_mode(folder);
	struct errmsg note;

	if (mode != 0 && (keeping == WRITTEN_BY_DAEMON || (mode & S_ISVTX) == 0)) {
		(void)errmsg_set(&note,
			FILE_EVERY_USER " put another file in its place and %s, "
					"because the mode of %s is %04o; use another directory",
			can, folder, (unsigned)mode);
		add_note(c, section, name, note.text, problems);
	}
	free(folder);
}

void config_note_folders(const struct config *config, struct problems *problems)
{
	static const char stop[] = "keep the daemon from starting",
			  can_suspend[] = "suspend logins or end their suspension",
			  can_join[] = "change which domains belong together";

	note_folder(config, "milter", "socket", config->milter.socket, problems);
	note_folder(config, "auth", "socket", config->auth.socket, problems);
	note_folder(config, "auth", "inet_socket", config->auth.inet_socket, problems);
	note_folder(config, "auth", "saslauthd", config->auth.saslauthd, problems);
	note_folder(config, "control", "socket", config->control.socket, problems);
	note_file(config, "milter", "pid_file", config->milter.pid_file, WRITTEN_BY_DAEMON,
		"have another process stopped in place of the daemon", problems);
	note_file(config, "auth", "suspensions", config->auth.suspensions, WRITTEN_BY_DAEMON,
		can_suspend, problems);
	file_note_loose(config->auth.suspensions, can_suspend, problems);
	note_file(config, "limits", "state", config->limits.state, WRITTEN_BY_DAEMON,
		"change what limits have counted", problems);
	note_file(config, "database", "password_file", config->given.password_file,
		WRITTEN_BY_PEOPLE, stop, problems);
	note_file(config, "jwt", "secret_file", config->given.secret_file, WRITTEN_BY_PEOPLE, stop,
		problems);
	note_file(config, "lists", "public_suffix_list", config->lists.public_suffix_list,
		WRITTEN_BY_PEOPLE, can_join, problems);
	file_note_loose(config->lists.public_suffix_list, can_join, problems);
}
