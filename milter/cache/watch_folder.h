#ifndef POSTERN_WATCH_FOLDER_H
#define POSTERN_WATCH_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/* A folder of watched files. Part of watch.c, whose thread alone uses it. */
struct watch_folder {
	char *path; /* NULL: the entry is free */
	int wd;	    /* inotify's watch descriptor; -1: none */
	dev_t dev;
	ino_t ino;
	bool gone;
	bool replaced;	/* another folder is at its path, some of whose files have not been read */
	bool unwatched; /* inotify refused it, and that was logged */
};

#define STAMPS_MS 250 /* how often all stamps are compared without inotify */

/*
 * Find out whether the folder exists, log a change of that, and have inotify's descriptor fd (-1:
 * none) watch what is at the path now. Returns whether that is another folder than before.
 */
bool watch_folder_look(struct watch_folder *folder, int fd);

/* Stop inotify's watch of the folder. */
void watch_folder_leave(struct watch_folder *folder, int fd);

#endif
