/*
 * Finds folders that disappear, come back or are replaced, and has inotify watch them. Owns
 * nothing; the cache thread runs it. Tested by t/unit/test_watch.c.
 */
#include "milter/cache/watch_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "milter/log/log.h"

#define EVENTS                                                                              \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
		IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Log once that the folder is missing, or that it is back. why: NULL if it exists. */
static void log_existence(struct watch_folder *folder, const char *why)
{
	if (why != NULL && !folder->gone)
		log_event(LOG_LEVEL_WARNING, "%s: %s; the files read there stay in force",
			folder->path, why);
	else if (why == NULL && folder->gone)
		log_event(LOG_LEVEL_NOTICE, "%s: the directory is back", folder->path);
	folder->gone = why != NULL;
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

bool watch_folder_look(struct watch_folder *folder, int fd)
{
	const char *why = NULL;
	bool is_replaced;
	struct stat st;

	if (stat(folder->path, &st) < 0)
		why = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		why = "it is not a directory";
	log_existence(folder, why);
	if (why != NULL) {
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
