#ifndef POSTERN_WATCH_LOOK_H
#define POSTERN_WATCH_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/conf/file.h"
#include "milter/cache/watch.h"
#include "milter/loop/job.h"

/*
 * One look at a folder and at some of its files, in a thread of its own, because their file system
 * may not answer. The folder is watched before its files are looked at, so that no change is
 * missed.
 */
struct watch_look {
	int64_t now; /* the time for which it is made */

	/* The folder: what was known of it, then what was found. */
	char *folder;
	int inotify; /* a duplicate of the descriptor; -1: none */
	int old_wd;  /* inotify's watch before the look; -1: none */
	int wd;	     /* the same now */
	dev_t dev;
	ino_t ino;		 /* 0: not known */
	bool is_missing;	 /* there is nothing at its path */
	bool is_another;	 /* another one than before is at its path */
	int refused;		 /* the errno for which inotify does not watch it; 0: it does */
	struct file_stamp stamp; /* all zero: none */

	struct {
		char *path; /* NULL: not looked at */
		uint64_t forces, events;
		struct file_stamp stamp;
	} files[WATCH_FILES];
};

/* Free a look that has not begun, or that was taken from its job. Accepts NULL. */
void watch_look_free(struct watch_look *look);

/* Begin the look. Takes it over. Returns NULL when out of memory. */
struct job *watch_look_start(struct watch_look *look, int wake_fd);

#endif
