#ifndef POSTERN_FILE_ACCESS_H
#define POSTERN_FILE_ACCESS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/* Check that a file belongs to root, the process's own user or `user` ((uid_t)-1: nobody). Returns
 * 0, or -1 with err set. */
int file_check_owner(const char *path, const struct stat *st, uid_t user, struct errmsg *err);

/* What notes about rights for everybody contain, so that doctor recognizes them. */
#define FILE_EVERY_USER "every user of this machine can"

/* Add a note if every user may write the file, and so do what `can` describes: "add a user". */
void file_note_loose(const char *path, const char *can, struct problems *problems);

/* Add a note if every user may put another file in its place, and so do what `can` describes. */
void file_note_replaceable(const char *path, const char *can, struct problems *problems);

/* Add a note if the file belongs to a user other than root, `user` and the process's, who may do
 * what `can` describes. */
void file_note_owner(const char *path, uid_t user, const char *can, struct problems *problems);

/* Add a note if every user may read the file, which contains what `what` describes: "password
 * hashes". */
void file_note_readable(const char *path, const char *what, struct problems *problems);

/* Return the mode of a directory in which every user may create files; 0: not such a directory. */
mode_t file_loose_mode(const char *folder);

#endif
