#ifndef POSTERN_LISTEN_H
#define POSTERN_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"

/*
 * The main thread calls these functions, except the last one, while it is the only thread, because
 * they change the umask and the effective user. Those that return an int return 0, or -1 with err
 * set.
 */

/* The owner of a unix socket's file. A plain value. */
struct listen_owner {
	mode_t mode; /* 0660 */
	uid_t uid;   /* (uid_t)-1 for the process's */
	gid_t gid;   /* (gid_t)-1 for the process's */
};

/*
 * If root makes or removes a file at a path of which the daemon's user can replace a directory
 * (/run/postern/saslauthd/mux, where the kernel lets that user write to /run/postern), it does so
 * as that user, with his groups. Otherwise he could put a link there that leads root elsewhere.
 * (uid_t)-1: there is no such user. listen_become_root() makes the process root again, and does
 * nothing if it still is.
 */
int listen_become_maker(const char *path, uid_t user, struct errmsg *err);
void listen_become_root(void);

/*
 * The file of a socket that the process has made. Borrows the path, which is NULL if there is none.
 * Other files cannot get its number while the socket is open.
 */
struct listen_file {
	const char *path;
	dev_t dev;
	ino_t ino;
};

/* Note the file at path, which has just been made. */
void listen_note_file(const char *path, struct listen_file *file_r);

/* Remove the file in the way that listen_become_maker() describes, unless another one is in its
 * place. Call it before the socket is closed; in the end any thread may, without root's rights. */
void listen_remove(const struct listen_file *file, uid_t user);

/*
 * Remove a socket of a daemon that was killed, on which nobody answers. Fails if another daemon
 * answers on it, or if path is a file of another type.
 */
int listen_clear(const char *path, struct errmsg *err);

/*
 * Set the umask before the bind() of a unix socket; after it, restore the umask and set owner and
 * group, with root's rights also after listen_become_maker(). The socket's file never has a wider
 * mode than owner->mode. Fails, and changes nothing, if the file at path is not the process's own
 * socket.
 */
mode_t listen_mask(const struct listen_owner *owner);
int listen_own(const char *path, const struct listen_owner *owner, mode_t old_mask,
	struct errmsg *err);

/* Make a listening, non-blocking unix stream socket at path, as listen_become_maker() describes;
 * the caller closes it. */
int listen_unix(const char *path, const struct listen_owner *owner, int *fd_r, struct errmsg *err);

/*
 * Return whether clients that connect at the path reach a listening unix socket: not if its file is
 * gone, or if another one is in its place. Returns true if that is not known. Call it only before
 * the socket is served: it leaves a client there that has hung up.
 */
bool listen_is_reached(int fd, const char *path);

/*
 * Look up a group by its name; "" gives (gid_t)-1. Returns 0, -1 if there is no such group, or
 * LISTEN_LOOKUP_FAILED if that is not known, because the source of groups fails. Any thread may
 * call it.
 */
#define LISTEN_LOOKUP_FAILED (-2)
int listen_group(const char *name, gid_t *gid_r, struct errmsg *err);

#endif
