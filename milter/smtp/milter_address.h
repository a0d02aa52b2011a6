#ifndef POSTERN_MILTER_ADDRESS_H
#define POSTERN_MILTER_ADDRESS_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

/*
 * The address of [milter] socket. Whoever can connect to it is believed, so that an inet socket is
 * on loopback unless the configuration allows other machines to connect.
 */
#define MILTER_ADDRESS_SIZE 1100 /* bytes of a name; a host name has at most 1025 */

/* Return whether this names an inet socket: "inet:PORT@HOST" or "inet6:PORT@HOST". */
bool milter_address_is_inet(const char *socket);

/*
 * Write the name that libmilter gets for [milter] socket. The host of an inet socket is looked up
 * and replaced by its address, so that libmilter cannot find another one later; each of its
 * addresses has to be a loopback one. A unix socket, or with allow_remote any socket, is copied as
 * it is. Returns 0, or -1 with err set. May wait for DNS.
 */
int milter_address_find(const char *socket, bool allow_remote, char name_r[MILTER_ADDRESS_SIZE],
	struct errmsg *err);

#endif
