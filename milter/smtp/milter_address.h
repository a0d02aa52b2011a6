#ifndef POSTERN_MILTER_ADDRESS_H
#define POSTERN_MILTER_ADDRESS_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

/*
 * The address of [milter] socket. The daemon believes every process that can connect, so an inet
 * socket must be on loopback unless the configuration allows other machines to connect.
 */
#define MILTER_ADDRESS_SIZE 1100 /* bytes of a name; a host name has at most 1025 */

/* Return whether this is an inet socket: "inet:PORT@HOST" or "inet6:PORT@HOST". */
bool milter_address_is_inet(const char *socket);

/*
 * Write the name of [milter] socket for libmilter. The host of an inet socket is looked up and
 * replaced with its address, so that libmilter cannot find another one later; each of its addresses
 * must be a loopback address. A unix socket, or with allow_remote any socket, is copied unchanged.
 * Returns 0, or -1 with err set. May wait for DNS.
 */
int milter_address_find(const char *socket, bool allow_remote, char name_r[MILTER_ADDRESS_SIZE],
	struct errmsg *err);

#endif
