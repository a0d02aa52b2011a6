#ifndef POSTERN_CIDR_H
#define POSTERN_CIDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * An IPv4 or IPv6 network, or one address (prefix_len 32 or 128). A plain value: copy it freely,
 * nothing to free. The family AF_UNSPEC means "no address".
 */
struct cidr {
	sa_family_t family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	uint8_t prefix_len; /* bits: 0..32 or 0..128 */
	uint8_t addr[16];   /* network byte order, host bits zero */
};

#define CIDR_TEXT_SIZE (INET6_ADDRSTRLEN + 4)

/*
 * Parse "192.0.2.0/24", "2001:db8::/32" or a single address (RFC 4632, RFC 5952). A prefix "IPv6:"
 * is ignored; an IPv4-mapped address becomes IPv4. Returns 0, or -1 with err set and *net_r
 * untouched (bad syntax, host bits set). Thread-safe, allocates nothing.
 */
int cidr_parse(const char *text, struct cidr *net_r, struct errmsg *err);

/* Return the address of a socket, AF_UNSPEC for other families. An IPv4-mapped one becomes IPv4. */
struct cidr cidr_from_sockaddr(const struct sockaddr *sa);

/*
 * Return the IPv4 address that an address of 64:ff9b::/96 or of a 64:ff9b:1:X::/96 contains: these
 * prefixes are for IPv4 clients behind a translator (RFC 6052, 2.1; RFC 8215). Any other address or
 * network is returned as it is.
 */
struct cidr cidr_translated(const struct cidr *address);

/* Return whether net contains the address. */
bool cidr_contains(const struct cidr *net, const struct cidr *address);

/* Write the text of RFC 5952, with "/len" for a network; "" for AF_UNSPEC. */
void cidr_format(const struct cidr *net, char text_r[CIDR_TEXT_SIZE]);

/* A set of networks, each with a number. A lookup costs one probe per prefix length in use. */
struct cidr_set;

struct cidr_set *cidr_set_new(void);	   /* NULL when out of memory */
void cidr_set_free(struct cidr_set **set); /* accepts NULL */

/* Add a network as strmap_add() adds a key; returns -1 also when net is no address. */
int cidr_set_add(struct cidr_set *set, const struct cidr *net, uint32_t value);

/* Return whether a network contains the address; *value_r is then the value of the longest one. */
bool cidr_set_find(const struct cidr_set *set, const struct cidr *address, uint32_t *value_r);
size_t cidr_set_count(const struct cidr_set *set);
size_t cidr_set_bytes(const struct cidr_set *set); /* memory in use */

#endif
