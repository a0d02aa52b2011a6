#ifndef POSTERN_MILTER_ADDRESS_PRIVATE_H
#define POSTERN_MILTER_ADDRESS_PRIVATE_H

#include <netdb.h>

#include "milter/smtp/milter_address.h"

/*
 * Choose among the addresses of an inet socket's host, of which there is at least one: the first,
 * if all of them are loopback ones. Public only for t/unit/test_milter_address.c. As
 * milter_address_find().
 */
int milter_address_choose(const char *socket, const struct addrinfo *found,
	char name_r[MILTER_ADDRESS_SIZE], struct errmsg *err);

#endif
