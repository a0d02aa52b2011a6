#ifndef POSTERN_SOCKET_CHECK_H
#define POSTERN_SOCKET_CHECK_H

#include "lib/conf/config.h"

/*
 * Add problems that prevent the daemon from opening its sockets: another program serves one of
 * them, or an address cannot be used. Sockets that another daemon of Postern or systemd serves are
 * good, and so are those of processes that this process may not see. The check connects to unix
 * sockets, and binds TCP sockets for a moment.
 */
void socket_check(const struct config *config, struct problems *problems);

/* Return whether two values of inet sockets ("inet:PORT@HOST") are the same address. */
bool socket_check_same_inet(const char *a, const char *b);

#endif
