/*
 * Keeps what the looks have found of one folder: whether it exists, whether another one has taken
 * its place, and whether inotify watches it. The cache thread runs it. Tested by
 * t/unit/test_watch.c.
 */
#include "milter/cache/watch_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "milter/cache/watch_private.h"
#include "milter/log/log.h"

int watch_folder_enter(struct watch_folder *folder, const char *path, size_t len)
{
	*folder = (struct watch_folder){ .path = strndup(path, len), .wd = -1, .due = true };
	return folder->path == NULL ? -1 : 0;
}

void watch_folder_leave(struct watch_folder *folder, int fd)
{
	job_abandon(&folder->look);
	if (folder->wd >= 0 && fd >= 0)
		(void)inotify_rm_watch(fd, folder->wd);
	free(folder->path);
	*folder = (struct watch_folder){ .wd = -1 };
}

struct watch_look *watch_folder_look(const struct watch_folder *folder, int fd)
{
	struct watch_look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return NULL;
	look->inotify = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	look->old_wd = look->wd = folder->wd;
	look->dev = folder->dev;
	look->ino = folder->ino;
	if ((look->folder = strdup(folder->path)) != NULL)
		return look;
	watch_look_free(look);
	return NULL;
}

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

void watch_folder_note(struct watch_folder *folder, const struct watch_look *look)
{
	log_existence(folder, look->is_missing);
	if (look->wd != look->old_wd) /* else an event may have ended it meanwhile */
		folder->wd = look->wd;
	folder->dev = look->dev;
	folder->ino = look->ino;
	folder->stamp = look->stamp;
	folder->replaced = folder->replaced || look->is_another;
	if (look->refused != 0 && !folder->unwatched)
		log_event(LOG_LEVEL_WARNING,
			"%s: cannot be watched (%s): its files are checked every %d ms",
			folder->path, strerror(look->refused), STAMPS_MS);
	folder->unwatched = look->refused;
}

bool watch_folder_replaced(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	return file->path != NULL && watch->folders[file->folder].replaced;
}

void watch_folder_accept(struct watch *watch, size_t slot)
{
	if (watch->files[slot].path != NULL)
		watch->folders[watch->files[slot].folder].replaced = false;
}
