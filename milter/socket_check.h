#ifndef POSTERN_SOCKET_CHECK_H
#define POSTERN_SOCKET_CHECK_H

#include "lib/conf/config.h"

/*
 * Add what prevents the daemon from opening its sockets: that another program serves one of them,
 * or that an address cannot be used. Sockets that a daemon of ours or systemd serves are good, and
 * so are those of processes that this one may not see. Unix sockets are connected to, TCP sockets
 * are bound for a moment.
 */
void socket_check(const struct config *config, struct problems *problems);

/* Return whether two values of inet sockets ("inet:PORT@HOST") are the same address. */
bool socket_check_same_inet(const char *a, const char *b);

#endif
