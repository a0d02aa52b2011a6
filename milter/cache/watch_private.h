#ifndef POSTERN_WATCH_PRIVATE_H
#define POSTERN_WATCH_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/cache/settle.h"
#include "milter/cache/watch.h"
#include "milter/cache/watch_folder.h"

/* The state of a watch, for the files watch*.c only. */

struct watched {
	char *path;	   /* NULL: the slot is empty */
	const char *name;  /* the path's last component */
	size_t folder;	   /* its index */
	struct job *stuck; /* a look that waits for it and has been given up */
	struct settle settle;
	int64_t again;	 /* when to look at it; WATCH_NEVER: when all stamps are compared */
	uint64_t order;	 /* of files that were due at the same time, the lowest comes first */
	bool failed;	 /* the last read failed: `again` is when to retry */
	bool ready;	 /* it must be read */
	int64_t due;	 /* since when, if ready */
	bool reading;	 /* it is being read, and not looked at meanwhile */
	bool forced;	 /* force it when it has been read */
	uint64_t events; /* how many have named it */
	uint64_t forces; /* how often it was forced */
	uint64_t looked; /* the same, when the last look at it began */
	struct file_stamp when_forced; /* of the first look after it was forced */
};

struct watch {
	int fd, wake_fd;
	int no_events; /* the errno for which there is no inotify; 0: there is */
	int refused;   /* the errno for which the last look had no thread; 0: it had one */
	int64_t stamps_due;
	uint64_t orders; /* the last one that was given */
	struct watch_folder folders[WATCH_FILES];
	struct watched files[WATCH_FILES];
};

/* ---- watch_events.c ---- */

/* Read the events that inotify has for us. */
void watch_read_events(struct watch *watch, int64_t now);

/* Have all folders and files looked at soon. Files that are due keep their place. */
void watch_look_at_all(struct watch *watch);

#endif
