#ifndef POSTERN_LISTEN_H
#define POSTERN_LISTEN_H

#include <sys/types.h>

#include "lib/base/errmsg.h"

/* How a unix socket is to stand in the file system. */
struct listen_owner {
	mode_t mode; /* 0660 */
	uid_t uid;   /* (uid_t)-1: as it comes */
	gid_t gid;   /* (gid_t)-1: as it comes */
};

/*
 * Make room for a unix socket at path: a socket that nobody answers on (its daemon was killed) is
 * removed. -1 with err set when another daemon answers on it, or something else than a socket
 * stands there.
 */
int listen_clear(const char *path, struct errmsg *err);

/* Before and after the bind() of a unix socket: it never stands with a wider mode than it shall
 * have. */
mode_t listen_mask(const struct listen_owner *owner);
int listen_own(const char *path, const struct listen_owner *owner, mode_t old_mask,
	struct errmsg *err);

/* A listening, non-blocking unix stream socket at path. 0, or -1 with err set. */
int listen_unix(const char *path, const struct listen_owner *owner, int *fd_r, struct errmsg *err);

/* The gid of a group's name; "" gives (gid_t)-1. -1 with err set when there is none. To be
 * called while there is one thread. */
int listen_group(const char *name, gid_t *gid_r, struct errmsg *err);

#endif
