/*
 * IP addresses and networks, and sets of networks. A set belongs to its caller: one thread fills
 * it, then any thread may search it.
 */
#include "lib/match/cidr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strmap.h"
#include "lib/base/text.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Turn ::ffff:192.0.2.1 into 192.0.2.1, and a mapped network of 96 bits or more into an IPv4 one.
 */
static void unwrap_mapped(struct cidr *net)
{
	if (net->family != AF_INET6 || net->prefix_len < 96 ||
		memcmp(net->addr, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	net->family = AF_INET;
	net->prefix_len = (uint8_t)(net->prefix_len - 96);
	memmove(net->addr, net->addr + 12, 4);
	memset(net->addr + 4, 0, 12);
}

static void clear_host_bits(struct cidr *net)
{
	size_t size = net->family == AF_INET ? 4 : 16, full = net->prefix_len / 8;

	if (full >= size)
		return;
	net->addr[full] &= (uint8_t)(0xff00 >> (net->prefix_len % 8));
	memset(net->addr + full + 1, 0, size - full - 1);
}

/* Parse all of text as a decimal number of at most max. */
static int parse_prefix_len(const char *text, unsigned max, uint8_t *len_r)
{
	unsigned value = 0;
	const char *p;

	for (p = text; isdigit((unsigned char)*p) && p - text < 4; p++)
		value = value * 10 + (unsigned)(*p - '0');
	if (p == text || *p != '\0' || value > max || (text[0] == '0' && p - text > 1))
		return -1;
	*len_r = (uint8_t)value;
	return 0;
}

int cidr_parse(const char *text, struct cidr *net_r, struct errmsg *err)
{
	struct cidr net = { .family = AF_UNSPEC }, cleared;
	const char *start = strncasecmp(text, "IPv6:", 5) == 0 ? text + 5 : text, *slash;
	char address[CIDR_TEXT_SIZE];
	size_t len;

	if (text[0] == '\0')
		return errmsg_set(err, "empty, where an address or a network belongs");
	slash = strchr(start, '/');
	len = slash != NULL ? (size_t)(slash - start) : strlen(start);
	if (len >= INET6_ADDRSTRLEN)
		return errmsg_set(err, "\"%.*s\" is not an IP address", TEXT_CUT(text, 60));
	memcpy(address, start, len);
	address[len] = '\0';
	if (start == text && inet_pton(AF_INET, address, net.addr) == 1) {
		net.family = AF_INET;
		net.prefix_len = 32;
	} else if (inet_pton(AF_INET6, address, net.addr) == 1) {
		net.family = AF_INET6;
		net.prefix_len = 128;
	} else {
		return errmsg_set(err, "\"%s\" is not an IP address", text);
	}
	if (slash != NULL && parse_prefix_len(slash + 1, net.prefix_len, &net.prefix_len) < 0)
		return errmsg_set(err, "\"%.*s\": the prefix length is a number up to %u",
			TEXT_CUT(text, 80), net.prefix_len);
	cleared = net;
	clear_host_bits(&cleared);
	if (memcmp(cleared.addr, net.addr, sizeof(net.addr)) != 0) {
		cidr_format(&cleared, address);
		return errmsg_set(err, "\"%s\" has host bits set; the network is %s", text,
			address);
	}
	unwrap_mapped(&net);
	*net_r = net;
	return 0;
}

struct cidr cidr_from_sockaddr(const struct sockaddr *sa)
{
	struct cidr net = { .family = AF_UNSPEC };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa == NULL)
		return net;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		net.family = AF_INET;
		net.prefix_len = 32;
		memcpy(net.addr, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		net.family = AF_INET6;
		net.prefix_len = 128;
		memcpy(net.addr, &in6.sin6_addr, 16);
		unwrap_mapped(&net);
	}
	return net;
}

/* Return whether the address is in 64:ff9b::/96, or in a 64:ff9b:1:X::/96. The bits behind X are
 * not zero where a translator has a shorter prefix, and so another place for the IPv4 address. */
static bool is_translated(const uint8_t addr[16])
{
	static const uint8_t global[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t local[6] = { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 };
	static const uint8_t zeros[4];

	return memcmp(addr, global, sizeof(global)) == 0 ||
		(memcmp(addr, local, sizeof(local)) == 0 &&
			memcmp(addr + 8, zeros, sizeof(zeros)) == 0);
}

struct cidr cidr_translated(const struct cidr *address)
{
	struct cidr inner = { .family = AF_INET, .prefix_len = 32 };

	if (address->family != AF_INET6 || address->prefix_len != 128 ||
		!is_translated(address->addr))
		return *address;
	memcpy(inner.addr, address->addr + 12, 4);
	return inner;
}

bool cidr_contains(const struct cidr *net, const struct cidr *address)
{
	struct cidr masked = *address;

	if (net->family == AF_UNSPEC || net->family != address->family ||
		net->prefix_len > address->prefix_len)
		return false;
	masked.prefix_len = net->prefix_len;
	clear_host_bits(&masked);
	return memcmp(masked.addr, net->addr, sizeof(net->addr)) == 0;
}

/* Write a number in decimal. Returns the end. */
static char *write_number(char *at, uint8_t number)
{
	if (number >= 100)
		*at++ = (char)('0' + number / 100);
	if (number >= 10)
		*at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

/* The same as inet_ntop(), which takes ten times as long. Returns the end. */
static char *write_ipv4(char *at, const uint8_t addr[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = write_number(at, addr[i]);
	}
	*at = '\0';
	return at;
}

void cidr_format(const struct cidr *net, char text_r[CIDR_TEXT_SIZE])
{
	const size_t full = net->family == AF_INET ? 32 : 128;
	char *end = text_r;

	*end = '\0';
	if (net->family == AF_INET)
		end = write_ipv4(text_r, net->addr);
	else if (net->family == AF_INET6 &&
		inet_ntop(net->family, net->addr, text_r, INET6_ADDRSTRLEN) != NULL)
		end += strlen(text_r);
	if (end == text_r || net->prefix_len == full)
		return;
	*end++ = '/';
	end = write_number(end, net->prefix_len);
	*end = '\0';
}

struct cidr_set {
	struct strmap *nets;	    /* family, prefix length, address -> value */
	bool used4[33], used6[129]; /* the prefix lengths in the set */
};

#define KEY_SIZE 18

static size_t set_key(const struct cidr *net, char key[KEY_SIZE])
{
	size_t size = net->family == AF_INET ? 4 : 16;

	key[0] = net->family == AF_INET ? 4 : 6;
	key[1] = (char)net->prefix_len;
	memcpy(key + 2, net->addr, size);
	return 2 + size;
}

struct cidr_set *cidr_set_new(void)
{
	struct cidr_set *set = calloc(1, sizeof(*set));

	if (set != NULL && (set->nets = strmap_new()) == NULL) {
		free(set);
		return NULL;
	}
	return set;
}

void cidr_set_free(struct cidr_set **set)
{
	if (*set == NULL)
		return;
	strmap_free(&(*set)->nets);
	free(*set);
	*set = NULL;
}

int cidr_set_add(struct cidr_set *set, const struct cidr *net, uint32_t value)
{
	char key[KEY_SIZE];
	int added;

	if (net->family == AF_UNSPEC)
		return -1;
	added = strmap_add(set->nets, key, set_key(net, key), value);
	if (added > 0)
		*(net->family == AF_INET ? &set->used4[net->prefix_len] :
					   &set->used6[net->prefix_len]) = true;
	return added;
}

bool cidr_set_find(const struct cidr_set *set, const struct cidr *address, uint32_t *value_r)
{
	const bool *used = address->family == AF_INET ? set->used4 : set->used6;
	struct cidr net = *address;
	char key[KEY_SIZE];
	int len;

	if (address->family == AF_UNSPEC || strmap_count(set->nets) == 0)
		return false;
	for (len = address->prefix_len; len >= 0; len--) {
		if (!used[len])
			continue;
		net.prefix_len = (uint8_t)len;
		clear_host_bits(&net);
		if (strmap_find(set->nets, key, set_key(&net, key), value_r))
			return true;
	}
	return false;
}

size_t cidr_set_count(const struct cidr_set *set)
{
	return strmap_count(set->nets);
}

size_t cidr_set_bytes(const struct cidr_set *set)
{
	return sizeof(*set) + strmap_bytes(set->nets);
}
