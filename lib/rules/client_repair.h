#ifndef POSTERN_CLIENT_REPAIR_H
#define POSTERN_CLIENT_REPAIR_H

#include <stdbool.h>

#include "lib/match/cidr.h"

/*
 * Networks in the forms of other programs, rewritten in place in ours. Those that return false
 * leave the text as it is. Part of entry_repair.c. Thread-safe.
 */

/* Join the words of one network: "192.0.2.0 255.255.255.0", "192.0.2.0 netmask 255.255.255.0",
 * "192.0.2.0 - 192.0.2.255" and "192.0.2.0 / 24"; other words may be around them. */
void client_repair_join(char *text);

/* The functions below may lengthen the text, which needs room for CIDR_TEXT_SIZE bytes. */

/* Incomplete IPv4 addresses, wildcards, netmasks, ranges, leading zeros, host bits. */
bool client_repair_ipv4(char *text);

/* An IPv6 network with host bits. */
bool client_repair_ipv6(char *text);

/* "7.2.0.192.in-addr.arpa" */
bool client_repair_reversed(char *text);

#endif
