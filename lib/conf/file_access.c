/*
 * Finds users of the machine who have rights on a file that only root and the daemon should have.
 * Holds no state; any thread. t/unit/test_file.c and test_config_access.c cover it.
 */
#include "lib/conf/file_access.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/conf/file.h"

/* Return whether the file belongs to somebody who may do everything with it anyway. */
static bool is_owned(const struct stat *st, uid_t user)
{
	return st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == user;
}

int file_check_owner(const char *path, const struct stat *st, uid_t user, struct errmsg *err)
{
	if (is_owned(st, user))
		return 0;
	return errmsg_set(err,
		"%s: belongs to user %lu, who can replace the secret in it; "
		"make it belong to root or to the daemon's user (chown)",
		path, (unsigned long)st->st_uid);
}

void file_note_loose(const char *path, const char *can, struct problems *problems)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		problems_note(problems,
			"%s: its mode is %04o, so that " FILE_EVERY_USER " %s; use chmod o-w", path,
			(unsigned)(st.st_mode & 07777), can);
}

void file_note_owner(const char *path, uid_t user, const char *can, struct problems *problems)
{
	struct stat st;

	if (stat(path, &st) == 0 && !is_owned(&st, user))
		problems_note(problems,
			"%s: belongs to user %lu, who can %s; make it belong to root or to the "
			"daemon's user (chown)",
			path, (unsigned long)st.st_uid, can);
}

void file_note_readable(const char *path, const char *what, struct problems *problems)
{
	char *folder = file_directory(path);
	struct stat st, of_folder;

	if (folder != NULL && stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0 &&
		stat(folder, &of_folder) == 0 && (of_folder.st_mode & S_IXOTH) != 0)
		problems_note(problems,
			"%s: its mode is %04o, so that " FILE_EVERY_USER " read %s; use chmod o-r",
			path, (unsigned)(st.st_mode & 07777), what);
	free(folder);
}

mode_t file_loose_mode(const char *folder)
{
	struct stat st;

	return stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) != 0 ? st.st_mode & 07777 : 0;
}

void file_note_replaceable(const char *path, const char *can, struct problems *problems)
{
	char *folder = file_directory(path);
	const mode_t mode = folder == NULL ? 0 : file_loose_mode(folder);

	if (mode != 0 && (mode & S_ISVTX) == 0)
		problems_note(problems,
			"%s: the mode of its directory is %04o, so that " FILE_EVERY_USER
			" replace it and %s; use chmod o-w on the directory",
			path, (unsigned)mode, can);
	free(folder);
}
