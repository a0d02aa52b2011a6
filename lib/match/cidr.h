#ifndef POSTERN_CIDR_H
#define POSTERN_CIDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

/*
 * One IPv4 or IPv6 network, or one address (prefix_len 32 or 128). A plain
 * value: copy freely, nothing to free. family AF_UNSPEC is "no address".
 */
struct cidr {
	sa_family_t family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	uint8_t prefix_len; /* bits: 0..32 or 0..128 */
	uint8_t addr[16];   /* network byte order, host bits zero */
};

#define CIDR_TEXT_SIZE (INET6_ADDRSTRLEN + 4)

/*
 * Parse "192.0.2.0/24", "2001:db8::/32" or a lone address (RFC 4632, RFC
 * 5952); "IPv6:" in front is dropped, an IPv4-mapped address becomes IPv4.
 * Returns 0, or -1 with err set and *net_r untouched (bad syntax, host bits
 * set). Thread-safe, allocates nothing.
 */
int cidr_parse(const char *text, struct cidr *net_r, struct errmsg *err);

/* An address from a socket; AF_UNSPEC for any other family. IPv4-mapped becomes IPv4. */
struct cidr cidr_from_sockaddr(const struct sockaddr *sa);

/* Whether net holds the address. */
bool cidr_contains(const struct cidr *net, const struct cidr *address);

/* Text as RFC 5952 has it, with "/len" for a network; "" for AF_UNSPEC. */
void cidr_format(const struct cidr *net, char text_r[CIDR_TEXT_SIZE]);

/* Many networks, each with a number; a lookup costs a probe for each prefix length in use. */
struct cidr_set;

struct cidr_set *cidr_set_new(void); /* NULL when out of memory */
void cidr_set_free(struct cidr_set **set);

/* As strmap_add(); -1 also when net is no address. */
int cidr_set_add(struct cidr_set *set, const struct cidr *net, uint32_t value);

/* Whether a network holds address; *value_r is then that of the longest one. */
bool cidr_set_find(const struct cidr_set *set, const struct cidr *address, uint32_t *value_r);
size_t cidr_set_count(const struct cidr_set *set);
size_t cidr_set_bytes(const struct cidr_set *set);

#endif
