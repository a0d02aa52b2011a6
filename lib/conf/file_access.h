#ifndef POSTERN_FILE_ACCESS_H
#define POSTERN_FILE_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/problems.h"

/* What notes about rights of strangers contain, so that doctor recognizes them. */
#define FILE_EVERY_USER "every user of this machine can"
#define FILE_BELONGS "belongs to user "

/* A path on which Postern relies. A plain value; borrows its texts. */
struct file_use {
	const char *path;   /* "": none */
	const char *folder; /* a directory above it, which is noted by itself; NULL: none */
	uid_t user;	    /* the daemon's; (uid_t)-1: not known */
	bool is_made;	    /* the daemon makes it anew, so that its name may be free meanwhile */
	bool is_socket;	    /* which the MTA's user may own, and whose mode is noted by itself */
	const char *can;    /* what one who changes it can do: "add a user" */
	const char
		*secret; /* what nobody else may read: "the password hashes in it"; NULL: nothing */
};

/*
 * Follow a path as the kernel does, through directories and links, and add a note for each of them
 * that an unprivileged user other than the daemon's can change: a directory that belongs to him or
 * that every user may write, a link or a directory of his in a sticky directory, and the file
 * itself. The rights of groups are the administrator's choice and are not noted. Nothing is added
 * where the process may not look, or where there is no file.
 */
void file_note_use(const struct file_use *use, struct problems *problems);

#endif
