#ifndef POSTERN_AUTH_SOCKETS_H
#define POSTERN_AUTH_SOCKETS_H

#include <stdbool.h>

#include "lib/conf/config.h"
#include "milter/loop/listen.h"

/* The listening sockets of logins. */
enum auth_socket {
	AUTH_SOCKET_DOVECOT,
	AUTH_SOCKET_DOVECOT_INET,
	AUTH_SOCKET_SASLAUTHD,
	AUTH_SOCKETS
};

struct auth_sockets {
	int fd[AUTH_SOCKETS];		       /* -1: not served */
	struct listen_file file[AUTH_SOCKETS]; /* of a unix socket that was made here */
	char loose[108];     /* of one from systemd to which everybody can connect; "": none */
	char ignored[108];   /* the first one from systemd that is not configured; "": none */
	char elsewhere[256]; /* one from systemd, by its name, and the configured place, which is
			      not served, or that its file is gone; "": none */
	bool without_folder; /* a default one is not served: its directory is missing */
};

/* Check the addresses without opening the sockets. Returns 0, or -1 with err set, which gives the
 * key. */
int auth_sockets_check(const struct config_auth *config, struct errmsg *err);

/*
 * Open the configured sockets, or inherit them from systemd (sd_listen_fds(3)), where they have the
 * names auth, auth-inet and saslauthd, or the configured addresses; one that does not listen, or an
 * abstract one, to which every process can connect, is refused; one that is not configured is
 * closed and noted. An inet socket is bound to loopback only. The directory of a unix socket is
 * made if its parent exists; a socket at a default path whose directory cannot be made is not
 * served, because nobody has configured it. Returns 0, or -1 with err set and no socket left open.
 * Call it once, while there is one thread.
 */
int auth_sockets_open(const struct config_auth *config, const struct listen_owner *owner,
	struct auth_sockets *sockets_r, struct errmsg *err);

/* Remove the files of the unix sockets that were made here, before the sockets are closed. */
void auth_sockets_unlink(const struct auth_sockets *sockets);

#endif
