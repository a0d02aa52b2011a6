#ifndef POSTERN_SOCKET_CHECK_H
#define POSTERN_SOCKET_CHECK_H

#include "milter/files_check.h"

/*
 * Report what prevents the daemon from opening its sockets: another program serves one of them, or
 * an address cannot be used. A daemon of Postern with another configuration file is a note. Sockets
 * that systemd serves are accepted, as are those of a daemon with an unknown configuration file,
 * and TCP ports of processes that this process may not see. The check connects to unix sockets, and
 * binds TCP sockets for a moment.
 */
void socket_check(const struct config *config, struct files_report *report);

/* Return whether two values of inet sockets ("inet:PORT@HOST") are the same address. */
bool socket_check_same_inet(const char *a, const char *b);

#endif
