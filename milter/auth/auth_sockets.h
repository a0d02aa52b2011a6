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
	int fd[AUTH_SOCKETS];	      /* -1: not served */
	char path[AUTH_SOCKETS][108]; /* of a unix socket that we made; "" otherwise */
	bool without_folder;	      /* a default one is not served: its folder is not there */
};

/* Whether they could be opened, as far as can be known without it. 0, or -1 with err set, which
 * names the key. */
int auth_sockets_check(const struct config_auth *config, struct errmsg *err);

/*
 * Open those that are configured, or take them from systemd (sd_listen_fds(3): by their names auth,
 * auth-inet and saslauthd, or by their addresses). An inet one binds to loopback alone. The folder
 * of a unix one is made where only it is missing; a socket of the defaults without a folder is left
 * out: nobody has asked for logins. 0, or -1 with err set and nothing left open. To be called once,
 * while there is one thread.
 */
int auth_sockets_open(const struct config_auth *config, const struct listen_owner *owner,
	struct auth_sockets *sockets_r, struct errmsg *err);

/* Remove the files of those that we made. */
void auth_sockets_unlink(const struct auth_sockets *sockets);

#endif
