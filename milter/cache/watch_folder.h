#ifndef POSTERN_WATCH_FOLDER_H
#define POSTERN_WATCH_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/conf/file.h"
#include "milter/cache/watch_look.h"

/* A folder of watched files. Part of watch.c, whose thread alone uses it. */
struct watch_folder {
	char *path; /* NULL: the entry is free */
	int wd;	    /* inotify's watch descriptor; -1: none */
	dev_t dev;
	ino_t ino;
	struct file_stamp stamp; /* of the last look; all zero: it did not exist */
	bool gone;
	bool replaced; /* another folder is at its path, some of whose files have not been read */
	int unwatched; /* the errno for which inotify refuses it, which was logged; 0: it does not
			*/

	struct job *look;   /* the one that is under way */
	bool due;	    /* it and all its files must be looked at */
	int64_t not_before; /* when the next look may begin, by clock_ms() */
};

#define STAMPS_MS 250 /* how often all stamps are compared without inotify */

/* Begin to use an entry. Returns 0, or -1 when out of memory, with the entry free. */
int watch_folder_enter(struct watch_folder *folder, const char *path, size_t len);

/* Stop watching the folder by inotify's descriptor fd (-1: none), and free the entry. */
void watch_folder_leave(struct watch_folder *folder, int fd);

/* Return a look at the folder, but at none of its files, or NULL when out of memory. fd: inotify's
 * descriptor, or -1. */
struct watch_look *watch_folder_look(const struct watch_folder *folder, int fd);

/* Note what a look has found, and log it if the folder has disappeared or is back. */
void watch_folder_note(struct watch_folder *folder, const struct watch_look *look);

#endif
