/*
 * Chooses the sockets that postern.conf leaves empty: below Postfix's queue directory, where that
 * has a folder of ours, else in /run. Owns nothing; any thread may call it.
 */
#include "lib/conf/config_sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/text.h"

/* Return the reason why the folder cannot be ours; NULL if it is. */
static const char *foreign_reason(const struct stat *st, uid_t user)
{
	if (!S_ISDIR(st->st_mode))
		return "it is not a directory";
	if (st->st_uid != user)
		return "it does not belong to the daemon's user";
	if ((st->st_mode & S_IWOTH) != 0)
		return "every user may write in it";
	return NULL;
}

const char *config_sockets_folder(const char *postfix_folder, uid_t user, struct errmsg *why_r)
{
	const char *reason;
	struct stat st;

	why_r->text[0] = '\0';
	if (lstat(postfix_folder, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			(void)errmsg_set(why_r, "%s", strerror(errno));
		return SOCKETS_RUN_FOLDER;
	}
	if ((reason = foreign_reason(&st, user)) == NULL)
		return postfix_folder;
	(void)errmsg_set(why_r, "%s", reason);
	return SOCKETS_RUN_FOLDER;
}

/* Set *socket to "unix:FOLDER/NAME". */
static int set_chosen(struct config *config, const char *folder, const char *name,
	const char **socket, struct errmsg *err)
{
	const size_t size = sizeof("unix:/") + strlen(folder) + strlen(name);
	char *text = arena_alloc(config->arena, size);

	if (text == NULL)
		return errmsg_set(err, "%s: out of memory", config->path);
	(void)text_format(text, size, "unix:%s/%s", folder, name);
	*socket = text;
	return 0;
}

static void note_foreign(struct config *config, const char *postfix_folder,
	const struct errmsg *why)
{
	problems_note(config->warnings,
		"%s: the sockets that it leaves empty are in " SOCKETS_RUN_FOLDER
		", which a smtpd in a chroot cannot reach, because %s cannot be used: %s",
		config->path, postfix_folder, why->text);
}

int config_choose_sockets(struct config *config, const char *postfix_folder, uid_t user,
	struct errmsg *err)
{
	struct config_milter *milter = &config->milter;
	struct config_auth *auth = &config->auth;
	const char *folder;
	struct errmsg why;

	milter->socket_chosen = milter->socket[0] == '\0';
	auth->socket_chosen = auth->socket[0] == '\0';
	if (strcmp(auth->socket, "none") == 0)
		auth->socket = "";
	if (!milter->socket_chosen && !auth->socket_chosen)
		return 0;
	folder = config_sockets_folder(postfix_folder, user, &why);
	if (why.text[0] != '\0')
		note_foreign(config, postfix_folder, &why);
	if (milter->socket_chosen &&
		set_chosen(config, folder, SOCKETS_MILTER_NAME, &milter->socket, err) < 0)
		return -1;
	if (auth->socket_chosen &&
		set_chosen(config, folder, SOCKETS_AUTH_NAME, &auth->socket, err) < 0)
		return -1;
	return 0;
}
