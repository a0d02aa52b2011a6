/*
 * Watches files by inotify and by their stamps. It owns the inotify descriptor; one thread, the
 * cache thread, uses it. That thread makes no call that a file system could delay: watch_look.c
 * looks, in a thread for each folder.
 */
#include "milter/cache/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "milter/cache/watch_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define STAMPS_EVENTS_MS 2000 /* how often all stamps are compared with inotify */
#define LOOK_PAUSE_MS 5	      /* between the beginnings of two looks at a folder */

struct watch *watch_new(bool by_events, int wake_fd)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	size_t i;

	if (watch == NULL)
		return NULL;
	watch->wake_fd = wake_fd;
	watch->fd = by_events ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
	watch->no_events = !by_events ? ENOSYS : watch->fd < 0 ? errno : 0;
	if (by_events && watch->fd < 0)
		log_event(LOG_LEVEL_WARNING,
			"inotify is not available (%s): files are checked every %d ms",
			strerror(watch->no_events), STAMPS_MS);
	for (i = 0; i < WATCH_FILES; i++)
		watch->folders[i].wd = -1;
	return watch;
}

void watch_free(struct watch **watch)
{
	size_t i;

	if (*watch == NULL)
		return;
	for (i = 0; i < WATCH_FILES; i++) {
		watch_folder_leave(&(*watch)->folders[i], -1);
		job_abandon(&(*watch)->files[i].stuck);
		free((*watch)->files[i].path);
	}
	if ((*watch)->fd >= 0)
		(void)close((*watch)->fd);
	free(*watch);
	*watch = NULL;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

/* Look at all files of a folder that is back, where they may appear one by one, or that has taken
 * the place of another. */
static void look_at_files(struct watch *watch, const struct watch_folder *folder, int64_t now)
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
		struct watched *file = &watch->files[i];

		if (file->path != NULL && (file->ready || file->reading) &&
			&watch->folders[file->folder] == folder)
			watch_dropped(watch, i, now);
	}
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
	if (empty < 0 || watch_folder_enter(&watch->folders[empty], path, len) < 0)
		return -1;
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
	if (!is_used)
		watch_folder_leave(folder, watch->fd);
	job_abandon(&file->stuck);
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

/* Have all folders and stamps checked for changes that no event reported. */
static void check_everything(struct watch *watch, int64_t now)
{
	bool by_events = watch->fd >= 0;
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		by_events =
			by_events && (watch->folders[i].path == NULL || watch->folders[i].wd >= 0);
	watch_look_at_all(watch);
	watch->stamps_due = now + (by_events ? STAMPS_EVENTS_MS : STAMPS_MS);
}

/* ---- looks ---------------------------------------------------------------------- */

/* Return whether the file can be looked at. */
static bool is_free(const struct watched *file)
{
	return file->path != NULL && !file->ready && !file->reading && file->stuck == NULL;
}

/* Return whether the file must be looked at. */
static bool is_due(const struct watched *file, int64_t now)
{
	return is_free(file) && now >= file->again;
}

static bool folder_is_due(const struct watch *watch, size_t index, int64_t now)
{
	const struct watch_folder *folder = &watch->folders[index];
	bool due = folder->due;

	if (folder->path == NULL || folder->look != NULL)
		return false;
	for (size_t i = 0; i < WATCH_FILES; i++)
		due = due || (watch->files[i].folder == index && is_due(&watch->files[i], now));
	return due;
}

/* Begin to look at a folder and at those of its files that are due, or at all. */
static void begin_look(struct watch *watch, size_t index, int64_t now)
{
	struct watch_folder *folder = &watch->folders[index];
	struct watch_look *look = watch_folder_look(folder, watch->fd);

	folder->not_before = clock_ms() + LOOK_PAUSE_MS;
	if (look == NULL)
		return;
	look->now = now;
	for (size_t i = 0; i < WATCH_FILES; i++) {
		const struct watched *file = &watch->files[i];

		if (!is_free(file) || file->folder != index || (!folder->due && now < file->again))
			continue;
		if ((look->files[i].path = strdup(file->path)) == NULL) {
			watch_look_free(look);
			return;
		}
		look->files[i].forces = file->forces;
		look->files[i].events = file->events;
	}
	if ((folder->look = watch_look_start(look, watch->wake_fd)) == NULL)
		return;
	folder->due = false;
	watch->refused = job_refused(folder->look);
}

/* Note what a look that began and ended at these times has found of a file. */
static void note_file(struct watched *file, const struct file_stamp *stamp, int64_t began,
	int64_t ended, bool gone)
{
	const int64_t due = clock_earlier(file->again, began);
	/* A change may be as young as the end of the look, and must be left alone from then on. */
	const int64_t now = file_stamp_equal(stamp, &file->settle.seen) ? began : ended;

	file->again = WATCH_NEVER;
	if (file->looked != file->forces)
		file->when_forced = *stamp;
	file->looked = file->forces;
	if (gone || settle_look(&file->settle, stamp, now, &file->again) != SETTLE_READ)
		return;
	file->failed = false;
	file->ready = true;
	file->due = due;
}

/* Note what a look has found. */
static void end_look(struct watch *watch, size_t index, const struct watch_look *look, int64_t now)
{
	struct watch_folder *folder = &watch->folders[index];
	const bool was_gone = folder->gone;

	watch_folder_note(folder, look);
	if (look->is_another)
		drop_readings(watch, folder, now);
	if (look->is_another || (was_gone && !folder->gone))
		look_at_files(watch, folder, now);
	if (folder->gone) /* no event tells when it is back */
		watch->stamps_due = clock_earlier(watch->stamps_due, now + STAMPS_MS);
	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watched *file = &watch->files[i];

		if (look->files[i].path != NULL && file->path != NULL && file->folder == index &&
			!file->ready && !file->reading && file->forces == look->files[i].forces &&
			strcmp(file->path, look->files[i].path) == 0) {
			note_file(file, &look->files[i].stamp, look->now, now, folder->gone);
			if (file->events != look->files[i].events) /* the look may have missed it */
				file->again = clock_earlier(file->again, now);
		}
	}
}

/* Give up a look that waits for one file, so that the others can be looked at; once that file
 * answers, it is looked at again. */
static void leave_stuck_file(struct watch *watch, size_t index)
{
	struct watch_folder *folder = &watch->folders[index];
	char path[JOB_PATH_SIZE];
	const int64_t since = job_waits(folder->look, path);

	if (since == 0 || clock_ms() - since < WATCH_LATE_MS)
		return;
	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watched *file = &watch->files[i];

		if (folder->look != NULL && is_free(file) && file->folder == index &&
			strcmp(file->path, path) == 0) {
			file->stuck = folder->look;
			folder->look = NULL;
			folder->due = true;
		}
	}
	if (folder->look != NULL && strcmp(folder->path, path) != 0) {
		job_abandon(&folder->look); /* the file is not watched any more */
		folder->due = true;
	}
}

static void end_stuck_looks(struct watch *watch, int64_t now)
{
	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watched *file = &watch->files[i];

		if (file->stuck == NULL || !job_wait(file->stuck, 0))
			continue;
		watch_look_free(job_finish(&file->stuck));
		file->again = now;
	}
}

void watch_look(struct watch *watch, int64_t now)
{
	struct watch_look *look;

	watch_read_events(watch, now);
	if (now >= watch->stamps_due)
		check_everything(watch, now);
	end_stuck_looks(watch, now);
	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watch_folder *folder = &watch->folders[i];

		if (folder->look != NULL && !job_wait(folder->look, 0))
			leave_stuck_file(watch, i);
		if (folder_is_due(watch, i, now) && clock_ms() >= folder->not_before)
			begin_look(watch, i, now);
		if (folder->look == NULL || !job_wait(folder->look, 0))
			continue;
		look = job_finish(&folder->look);
		end_look(watch, i, look, now);
		watch_look_free(look);
	}
}

bool watch_is_looking(const struct watch *watch, int64_t now)
{
	for (size_t i = 0; i < WATCH_FILES; i++) {
		if (watch->folders[i].look != NULL || folder_is_due(watch, i, now))
			return true;
	}
	return false;
}

struct job *watch_look_at(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	if (file->path == NULL)
		return NULL;
	return file->stuck != NULL ? file->stuck : watch->folders[file->folder].look;
}

bool watch_is_stuck(const struct watch *watch, size_t slot)
{
	return watch->files[slot].stuck != NULL;
}

bool watch_is_unanswered(const struct watch *watch, size_t slot)
{
	struct job *look = watch_look_at(watch, slot);
	char path[JOB_PATH_SIZE];
	const int64_t since = look == NULL ? 0 : job_waits(look, path);

	return since != 0 && clock_ms() - since >= WATCH_LATE_MS;
}

int watch_refused(const struct watch *watch)
{
	return watch->refused;
}

const struct file_stamp *watch_folder_stamp(const struct watch *watch, size_t slot)
{
	return &watch->folders[watch->files[slot].folder].stamp;
}

const struct file_stamp *watch_stamp_when_forced(const struct watch *watch, size_t slot)
{
	return &watch->files[slot].when_forced;
}

/* ---- what is due -------------------------------------------------------------- */

/* When watch_look() must see to this folder, whose files are due at files_due. */
static int64_t folder_due(const struct watch_folder *folder, int64_t files_due)
{
	if (folder->look == NULL)
		return folder->due || files_due < folder->not_before ? folder->not_before :
								       files_due;
	if (job_wait(folder->look, 0))
		return 0;
	return clock_ms() - job_begun(folder->look) < WATCH_LATE_MS ?
		job_begun(folder->look) + WATCH_LATE_MS :
		WATCH_NEVER;
}

int64_t watch_due(const struct watch *watch)
{
	int64_t due[WATCH_FILES], first = watch->stamps_due;
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		due[i] = WATCH_NEVER;
	for (i = 0; i < WATCH_FILES; i++) {
		const struct watched *file = &watch->files[i];

		if (file->ready)
			return 0;
		if (is_free(file))
			due[file->folder] = clock_earlier(due[file->folder], file->again);
	}
	for (i = 0; i < WATCH_FILES; i++) {
		if (watch->folders[i].path != NULL)
			first = clock_earlier(first, folder_due(&watch->folders[i], due[i]));
	}
	return first;
}

bool watch_is_pending(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	return file->path != NULL &&
		(file->ready || file->reading || file->looked != file->forces ||
			(file->again != WATCH_NEVER && !file->failed &&
				!watch->folders[file->folder].gone));
}

int watch_polled_for(const struct watch *watch, const char **folder_r)
{
	*folder_r = "";
	for (size_t i = 0; i < WATCH_FILES && watch->no_events == 0; i++) {
		if (watch->folders[i].path != NULL && watch->folders[i].unwatched != 0) {
			*folder_r = watch->folders[i].path;
			return watch->folders[i].unwatched;
		}
	}
	return watch->no_events;
}

bool watch_folder_gone(const struct watch *watch, size_t slot)
{
	const struct watched *file = &watch->files[slot];

	return file->path != NULL && watch->folders[file->folder].gone;
}
