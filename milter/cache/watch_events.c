/*
 * Passes the events of inotify to the files that they concern. The cache thread runs it. Shown by
 * t/unit/test_watch.c.
 */
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "milter/cache/watch_private.h"

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
	file->events++;
	file->order = ++watch->orders;
	file->failed = false;
}

void watch_look_at_all(struct watch *watch)
{
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		watch->folders[i].due = watch->folders[i].path != NULL;
}

/* Return whether some look may have begun to watch a folder without our knowledge. */
static bool has_look(const struct watch *watch)
{
	for (size_t i = 0; i < WATCH_FILES; i++)
		if (watch->folders[i].look != NULL || watch->files[i].stuck != NULL)
			return true;
	return false;
}

static void handle_event(struct watch *watch, const struct inotify_event *event, int64_t now)
{
	bool is_known = false, is_watched = false;
	size_t i;

	for (i = 0; i < WATCH_FILES; i++)
		is_watched = is_watched ||
			(watch->folders[i].path != NULL && watch->folders[i].wd == event->wd);
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
	/* A look that was abandoned may have left a watch of which nobody knows. */
	if (!is_watched && !(event->mask & (IN_IGNORED | IN_Q_OVERFLOW)) && !has_look(watch))
		(void)inotify_rm_watch(watch->fd, event->wd);
	/* A link to one of our files may lead through the name that appeared or disappeared. A
	 * folder that is not known to be watched is one at which the first look is under way. */
	if (!is_watched ||
		(!is_known &&
			(event->mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE))))
		watch_look_at_all(watch);
}

void watch_read_events(struct watch *watch, int64_t now)
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
