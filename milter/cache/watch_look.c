/*
 * Looks at a folder and its files in the thread "look", whose job owns the struct watch_look until
 * it has ended. It is silent, because nobody may want its result any more. Shown by
 * t/unit/test_watch.c.
 */
#include "milter/cache/watch_look.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file_wait.h"

#define EVENTS                                                                              \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
		IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

void watch_look_free(struct watch_look *look)
{
	if (look == NULL)
		return;
	for (size_t i = 0; i < WATCH_FILES; i++)
		free(look->files[i].path);
	if (look->inotify >= 0)
		(void)close(look->inotify);
	free(look->folder);
	free(look);
}

/* Note whether there is nothing at the path. A folder that cannot be reached is not missing: its
 * files cannot be read. */
static void find_folder(struct watch_look *look)
{
	struct file_stamp stamp = { 0 };

	look->is_missing = file_stamp(look->folder, &stamp, NULL) == 0 && !stamp.exists;
	look->stamp = stamp;
}

static void leave_folder(struct watch_look *look)
{
	if (look->wd >= 0 && look->inotify >= 0)
		(void)inotify_rm_watch(look->inotify, look->wd);
	look->wd = -1;
}

static void watch_over_folder(struct watch_look *look)
{
	struct stat st;

	if (stat(look->folder, &st) < 0 || !S_ISDIR(st.st_mode)) {
		leave_folder(look);
		return;
	}
	look->is_another = look->ino != 0 && (look->dev != st.st_dev || look->ino != st.st_ino);
	if (look->is_another)
		leave_folder(look);
	look->dev = st.st_dev;
	look->ino = st.st_ino;
	if (look->inotify < 0 || look->wd >= 0)
		return;
	look->wd = inotify_add_watch(look->inotify, look->folder, EVENTS);
	look->refused = look->wd < 0 ? errno : 0;
}

static void look_at_folder(struct watch_look *look)
{
	find_folder(look);
	file_wait_begin(look->folder);
	watch_over_folder(look);
	file_wait_end();
}

static void run_look(void *context)
{
	struct watch_look *look = context;
	bool is_complete = true;

	look_at_folder(look);
	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct file_stamp *stamp = &look->files[i].stamp;

		if (look->files[i].path == NULL)
			continue;
		if (file_stamp(look->files[i].path, stamp, NULL) < 0)
			*stamp =
				(struct file_stamp){ .exists = true }; /* reading gives the error */
		is_complete = is_complete && stamp->exists;
	}
	if (!is_complete) /* the folder may have gone, too */
		find_folder(look);
}

static void free_look(void *context)
{
	watch_look_free(context);
}

struct job *watch_look_start(struct watch_look *look, int wake_fd)
{
	static const struct job_work work = { "look", run_look, free_look, NULL };

	return job_start(&work, look, wake_fd);
}
