/*
 * Finds folders that disappear, come back or are replaced, and has inotify watch them. Owns
 * nothing; the cache thread runs it. Tested by t/unit/test_watch.c.
 */
#include "milter/cache/watch_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/conf/file.h"
#include "milter/log/log.h"

#define EVENTS                                                                              \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
		IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Log once that the folder is missing, or that it is back. */
static void log_existence(struct watch_folder *folder, bool gone)
{
	if (gone && !folder->gone)
		log_event(LOG_LEVEL_WARNING,
			"%s: the directory is missing; the files read there stay in force",
			folder->path);
	else if (!gone && folder->gone)
		log_event(LOG_LEVEL_NOTICE, "%s: the directory is back", folder->path);
	folder->gone = gone;
}

void watch_folder_leave(struct watch_folder *folder, int fd)
{
	if (folder->wd >= 0)
		(void)inotify_rm_watch(fd, folder->wd);
	folder->wd = -1;
}

static void add_to_inotify(struct watch_folder *folder, int fd)
{
	folder->wd = inotify_add_watch(fd, folder->path, EVENTS);
	if (folder->wd < 0 && !folder->unwatched)
		log_event(LOG_LEVEL_WARNING,
			"%s: cannot be watched (%s): its files are checked every %d ms",
			folder->path, strerror(errno), STAMPS_MS);
	folder->unwatched = folder->wd < 0;
}

/* Return whether another folder is at the path than before. */
static bool is_another(const struct watch_folder *folder, const struct stat *st)
{
	return folder->ino != 0 && (folder->dev != st->st_dev || folder->ino != st->st_ino);
}

/* Return whether there is nothing at the path. A folder that cannot be reached is not missing: its
 * files cannot be read. */
static bool is_missing(const char *path)
{
	struct file_stamp stamp;

	return file_stamp(path, &stamp, NULL) == 0 && !stamp.exists;
}

bool watch_folder_look(struct watch_folder *folder, int fd)
{
	bool is_replaced;
	struct stat st;

	log_existence(folder, is_missing(folder->path));
	if (stat(folder->path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		watch_folder_leave(folder, fd);
		return false;
	}
	if ((is_replaced = is_another(folder, &st))) {
		folder->replaced = true;
		watch_folder_leave(folder, fd);
	}
	folder->dev = st.st_dev;
	folder->ino = st.st_ino;
	if (fd >= 0 && folder->wd < 0)
		add_to_inotify(folder, fd);
	return is_replaced;
}
