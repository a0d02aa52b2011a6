/*
 * Watches files by inotify and by their stamps. It owns the inotify descriptor; one thread, the
 * cache thread, uses it.
 */
#include "milter/cache/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "milter/cache/settle.h"
#include "milter/cache/watch_folder.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define STAMPS_EVENTS_MS 2000 /* how often all stamps are compared with inotify */

struct watched {
	char *path;	  /* NULL: the slot is empty */
	const char *name; /* the path's last component */
	size_t folder;	  /* its index */
	struct settle settle;
	int64_t again;	/* when to look at it; WATCH_NEVER: when all stamps are compared */
	uint64_t order; /* of files with the same `again`, the lowest comes first */
	bool failed;	/* the last read failed: `again` is when to retry */
	bool reading;	/* it is being read, and not looked at meanwhile */
	bool forced;	/* force it when it has been read */
};

struct watch {
	int fd;
	int64_t stamps_due;
	uint64_t orders; /* the last one that was given */
	struct watch_folder folders[WATCH_FILES];
	struct watched files[WATCH_FILES];
};

struct watch *watch_new(bool by_events)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	size_t i;

	if (watch == NULL)
		return NULL;
	watch->fd = by_events ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
	if (by_events && watch->fd < 0)
		log_event(LOG_LEVEL_WARNING,
			"inotify is not available (%s): files are checked every %d ms",
			strerror(errno), STAMPS_MS);
	for (i = 0; i < WATCH_FILES; i++)
		watch->folders[i].wd = -1;
	return watch;
}

void watch_free(struct watch **watch)
{
	size_t i;

	if (*watch == NULL)
		return;
	if ((*watch)->fd >= 0)
		(void)close((*watch)->fd);
	for (i = 0; i < WATCH_FILES; i++) {
		free((*watch)->folders[i].path);
		free((*watch)->files[i].path);
	}
	free(*watch);
	*watch = NULL;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

/* Look at the folder's files again; they may come back one by one. */
static void folder_came_back(struct watch *watch, const struct watch_folder *folder, int64_t now)
{
	size_t i;

	for (i = 0; i < WATCH_FILES; i++) {
		if (watch->files[i].path == NULL ||
			&watch->folders[watch->files[i].folder] != folder)
			continue;
		settle_event(&watch->files[i].settle, SETTLE_TOUCHED, now);
		watch->files[i].again = now;
	}
}

/* Have the files that are being read from the folder read again: it is another one now. */
static void drop_readings(struct watch *watch, const struct watch_folder *folder, int64_t now)
{
	for (size_t i = 0; i < WATCH_FILES; i++) {
		if (watch->files[i].path != NULL && watch->files[i].reading &&
			&watch->folders[watch->files[i].folder] == folder)
			watch_dropped(watch, i, now);
	}
}

/* Look at the folder, and have its files looked at or read again if it is back or another one. */
static void folder_check(struct watch *watch, struct watch_folder *folder, int64_t now)
{
	const bool was_gone = folder->gone;

	if (watch_folder_look(folder, watch->fd))
		drop_readings(watch, folder, now);
	if (was_gone && !folder->gone)
		folder_came_back(watch, folder, now);
}

/*
 * Return the index of the folder whose path has len bytes, which is added if it is new, or -1 when
 * out of memory.
 */
static int folder_index(struct watch *watch, const char *path, size_t len)
{
	int i, empty = -1;

	for (i = 0; i < WATCH_FILES; i++) {
		struct watch_folder *folder = &watch->folders[i];

		if (folder->path == NULL) {
			empty = empty < 0 ? i : empty;
			continue;
		}
		if (strlen(folder->path) == len && memcmp(folder->path, path, len) == 0)
			return i;
	}
	if (empty < 0 || (watch->folders[empty].path = strndup(path, len)) == NULL)
		return -1;
	watch->folders[empty].wd = -1;
	watch->folders[empty].ino = 0;
	watch->folders[empty].gone = watch->folders[empty].unwatched = false;
	watch->folders[empty].replaced = false;
	folder_check(watch, &watch->folders[empty], 0);
	return empty;
}

/* Empty the slot, and stop watching a folder that no other file needs. */
static void forget_file(struct watch *watch, size_t slot)
{
	struct watched *file = &watch->files[slot];
	struct watch_folder *folder = &watch->folders[file->folder];
	bool is_used = false;
	size_t i;

	if (file->path == NULL)
		return;
	for (i = 0; i < WATCH_FILES; i++)
		is_used = is_used ||
			(i != slot && watch->files[i].path != NULL &&
				watch->files[i].folder == file->folder);
	if (!is_used) {
		watch_folder_leave(folder, watch->fd);
		free(folder->path);
		folder->path = NULL;
	}
	free(file->path);
	*file = (struct watched){ 0 };
}

int watch_file(struct watch *watch, size_t slot, const char *path)
{
	struct watched *file = &watch->files[slot];
	const char *slash;
	int folder;

	if (path != NULL && file->path != NULL && strcmp(file->path, path) == 0)
		return 0;
	forget_file(watch, slot);
	if (path == NULL)
		return 0;
	slash = strrchr(path, '/');
	if (slash == NULL)
		folder = folder_index(watch, ".", 1);
	else
		folder = folder_index(watch, path, slash == path ? 1 : (size_t)(slash - path));
	if (folder < 0 || (file->path = strdup(path)) == NULL)
		return -1;
	file->name = slash == NULL ? file->path : file->path + (slash - path) + 1;
	file->folder = (size_t)folder;
	file->again = 0;
	return 0;
}

/* Pass an event to the file that it names. */
static void note_file_event(struct watch *watch, struct watched *file, uint32_t mask, int64_t now)
{
	if (mask & IN_MODIFY)
		settle_event(&file->settle, SETTLE_MODIFIED, now);
	else if (mask & IN_CLOSE_WRITE)
		settle_event(&file->settle, SETTLE_CLOSED, now);
	else if (mask & IN_MOVED_TO)
		settle_event(&file->settle, SETTLE_REPLACED, now);
	else if (mask & (IN_MOVED_FROM | IN_DELETE))
		settle_event(&file->settle, SETTLE_REMOVED, now);
	else
		settle_event(&file->settle, SETTLE_TOUCHED, now);
	file->again = now;
	file->order = ++watch->orders;
	file->failed = false;
}

/* Those that are due keep their place. */
static void look_at_all_files(struct watch *watch, int64_t now)
{
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		watch->files[i].again = clock_earlier(watch->files[i].again, now);
}

static void handle_event(struct watch *watch, const struct inotify_event *event, int64_t now)
{
	bool is_known = false;
	size_t i;

	if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		watch->stamps_due = now;
		for (i = 0; i < WATCH_FILES; i++)
			watch->files[i].settle.writing = false;
	}
	if (event->len == 0 &&
		(event->mask & IN_ATTRIB)) /* of the folder: it may be closed to us */
		watch->stamps_due = now;
	for (i = 0; i < WATCH_FILES && (event->mask & IN_IGNORED); i++)
		if (watch->folders[i].wd == event->wd)
			watch->folders[i].wd = -1;
	for (i = 0; i < WATCH_FILES && event->len > 0; i++) {
		struct watched *file = &watch->files[i];

		if (file->path == NULL || watch->folders[file->folder].wd != event->wd ||
			strcmp(file->name, event->name) != 0)
			continue;
		note_file_event(watch, file, event->mask, now);
		is_known = true;
	}
	/* A link to one of our files may lead through the name that appeared or disappeared. */
	if (!is_known && (event->mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE)))
		look_at_all_files(watch, now);
}

static void read_events(struct watch *watch, int64_t now)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	ssize_t len, at;

	while (watch->fd >= 0 && (len = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < len; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(const void *)(buffer + at);
			handle_event(watch, event, now);
		}
	}
}

/* Look at a file. Returns whether it must be read now. */
static bool look_at_file(struct watch *watch, struct watched *file, int64_t now)
{
	struct file_stamp stamp;

	file->again = WATCH_NEVER;
	if (watch->folders[file->folder].gone)
		return false;
	if (file_stamp(file->path, &stamp, NULL) < 0)
		stamp = (struct file_stamp){ .exists = true }; /* reading it will give the error */
	if (!stamp.exists) {				       /* its folder may have gone, too */
		folder_check(watch, &watch->folders[file->folder], now);
		if (watch->folders[file->folder].gone)
			return false;
	}
	return settle_look(&file->settle, &stamp, now, &file->again) == SETTLE_READ;
}

/* Check all folders and stamps for changes that no event reported. */
static void check_everything(struct watch *watch, int64_t now)
{
	bool by_events = watch->fd >= 0;
	size_t i;

	for (i = 0; i < WATCH_FILES; i++) {
		if (watch->folders[i].path == NULL)
			continue;
		folder_check(watch, &watch->folders[i], now);
		by_events = by_events && watch->folders[i].wd >= 0;
	}
	look_at_all_files(watch, now);
	watch->stamps_due = now + (by_events ? STAMPS_EVENTS_MS : STAMPS_MS);
}

/* Find out what has changed. */
static void note_changes(struct watch *watch, int64_t now)
{
	read_events(watch, now);
	if (now >= watch->stamps_due)
		check_everything(watch, now);
}

/* Return whether the file must be read now. If so, it is behind the others from now on. */
static bool take_turn(struct watch *watch, struct watched *file, int64_t now)
{
	if (file->path == NULL || file->reading || now < file->again ||
		!look_at_file(watch, file, now))
		return false;
	file->failed = false;
	file->reading = true;
	file->order = ++watch->orders;
	return true;
}

/* Return the file to look at first, or NULL if none is due. */
static struct watched *find_due(struct watch *watch, int64_t now)
{
	struct watched *first = NULL;

	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watched *file = &watch->files[i];

		if (file->path == NULL || file->reading || now < file->again)
			continue;
		if (first == NULL || file->again < first->again ||
			(file->again == first->again && file->order < first->order))
			first = file;
	}
	return first;
}

bool watch_next(struct watch *watch, int64_t now, size_t *slot_r)
{
	struct watched *file;

	note_changes(watch, now);
	while ((file = find_due(watch, now)) != NULL) {
		if (take_turn(watch, file, now)) {
			*slot_r = (size_t)(file - watch->files);
			return true;
		}
	}
	return false;
}

bool watch_must_read(struct watch *watch, size_t slot, int64_t now)
{
	note_changes(watch, now);
	return take_turn(watch, &watch->files[slot], now);
}

/* End the read of a file. The file is examined again at the given time, or earlier if something has
 * happened meanwhile. */
static void end_reading(struct watch *watch, size_t slot, int64_t again)
{
	struct watched *file = &watch->files[slot];

	file->reading = false;
	file->again = clock_earlier(file->again, again);
	if (file->forced)
		watch_force(watch, slot);
}

bool watch_had_settled(const struct watch *watch, size_t slot, const struct file_stamp *stamp)
{
	return settle_had_settled(&watch->files[slot].settle, stamp);
}

void watch_dropped(struct watch *watch, size_t slot, int64_t now)
{
	settle_dropped(&watch->files[slot].settle, now);
	end_reading(watch, slot, now);
}

void watch_loaded(struct watch *watch, size_t slot, const struct file_stamp *stamp)
{
	settle_loaded(&watch->files[slot].settle, stamp);
	end_reading(watch, slot, WATCH_NEVER);
}

bool watch_is_loaded(const struct watch *watch, size_t slot, const struct file_stamp *stamp)
{
	const struct settle *settle = &watch->files[slot].settle;

	return settle->is_loaded && file_stamp_equal(&settle->loaded, stamp);
}

void watch_held(struct watch *watch, size_t slot, const struct file_stamp *stamp, int64_t now)
{
	end_reading(watch, slot, settle_held(&watch->files[slot].settle, stamp, now));
}

bool watch_is_complete(const struct watch *watch, size_t slot, const struct file_stamp *stamp,
	int64_t now)
{
	return settle_is_complete(&watch->files[slot].settle, stamp, now);
}

bool watch_is_written(const struct watch *watch, size_t slot)
{
	return watch->files[slot].settle.writing;
}

void watch_failed(struct watch *watch, size_t slot, int64_t now)
{
	settle_failed(&watch->files[slot].settle, now);
	watch->files[slot].failed = true;
	end_reading(watch, slot, now + SETTLE_RETRY_MS);
}

void watch_force(struct watch *watch, size_t slot)
{
	struct watched *file = &watch->files[slot];

	if ((file->forced = file->reading))
		return;
	settle_force(&file->settle);
	file->again = 0;
	file->failed = false;
}

bool watch_is_reading(const struct watch *watch, size_t slot)
{
	return watch->files[slot].reading;
}

bool watch_is_forced(const struct watch *watch, size_t slot)
{
	return watch->files[slot].forced;
}

int64_t watch_due(const struct watch *watch)
{
	int64_t due = watch->stamps_due;
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		if (watch->files[i].path != NULL && !watch->files[i].reading &&
			watch->files[i].again < due)
			due = watch->files[i].again;
	return due;
}

bool watch_is_pending(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	return file->path != NULL &&
		(file->reading ||
			(file->again != WATCH_NEVER && !file->failed &&
				!watch->folders[file->folder].gone));
}

bool watch_is_polled(const struct watch *watch)
{
	for (size_t i = 0; i < WATCH_FILES; i++) {
		if (watch->fd < 0 || watch->folders[i].unwatched)
			return true;
	}
	return false;
}

bool watch_folder_gone(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	return file->path != NULL && watch->folders[file->folder].gone;
}

bool watch_folder_replaced(struct watch *watch, size_t slot)
{
	const size_t folder = watch->files[slot].folder;
	bool is_read = true;

	if (watch->files[slot].path == NULL || !watch->folders[folder].replaced)
		return false;
	for (size_t i = 0; i < WATCH_FILES; i++) {
		if (watch->files[i].folder == folder && watch_is_pending(watch, i))
			is_read = false;
	}
	watch->folders[folder].replaced = !is_read;
	return !is_read;
}
