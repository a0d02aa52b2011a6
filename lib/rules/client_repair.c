/*
 * Guesses the network that an entry of a list of clients means: incomplete addresses, netmasks,
 * ranges, leading zeros, host bits, reversed names. Stateless; any thread may call it. Part of
 * entry_repair.c.
 */
#include "lib/rules/client_repair.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/match/cidr.h"

/* Read the numbers of an IPv4 address, of which the last ones may be missing or wildcards. Returns
 * the rest of the text, or NULL if it has another form. */
static const char *read_octets(const char *text, uint8_t octets[4], unsigned *count_r)
{
	unsigned long value;
	unsigned count = 0;
	char *end;

	memset(octets, 0, 4);
	while (count < 4 && isdigit((unsigned char)*text)) {
		if ((value = strtoul(text, &end, 10)) > 255 || end - text > 4)
			return NULL;
		octets[count++] = (uint8_t)value;
		text = end;
		if (*text != '.')
			break;
		text++;
	}
	*count_r = count;
	while (count > 0 && count < 4 && (*text == '*' || ascii_lower(*text) == 'x'))
		text += text[1] == '.' ? 2 : 1;
	return count > 0 ? text : NULL;
}

static uint32_t number_of(const uint8_t octets[4])
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 |
		octets[3];
}

/* Return the bits of a netmask, or of Cisco's inverted one; -1 when it is neither. */
static int bits_of_mask(uint32_t mask)
{
	int bits = 0;

	if (!(mask & 0x80000000U))
		mask = ~mask;
	for (; bits < 32 && (mask & 0x80000000U); bits++)
		mask <<= 1;
	return mask == 0 ? bits : -1;
}

/* Return the bits of a network that begins with `from` and ends with `to`; -1 if there is none. */
static int bits_of_range(uint32_t from, uint32_t to)
{
	int bits;

	for (bits = 0; bits <= 32; bits++) {
		uint32_t size = bits == 0 ? UINT32_MAX : (UINT32_C(1) << (32 - bits)) - 1;

		if ((from & size) == 0 && from + size == to)
			return bits;
	}
	return -1;
}

static int read_bits(const char *text, unsigned octets_before, const uint8_t octets[4])
{
	uint8_t other[4];
	unsigned count;
	char *end;
	const char *rest;
	long bits;

	if (*text == '\0')
		return (int)(8 * octets_before);
	if (*text != '/' && *text != '-')
		return -1;
	if ((rest = read_octets(text + 1, other, &count)) == NULL || *rest != '\0')
		return -1;
	if (*text == '-') {
		if (count == 1) { /* the last number of the last address */
			other[3] = other[0];
			memcpy(other, octets, 3);
		} else if (count != 4) {
			return -1;
		}
		return bits_of_range(number_of(octets), number_of(other));
	}
	if (count == 4)
		return bits_of_mask(number_of(other));
	bits = strtol(text + 1, &end, 10);
	return *end == '\0' && bits <= 32 ? (int)bits : -1;
}

/* Return whether a word is the mask of a network. */
static bool is_mask(const char *text)
{
	uint8_t octets[4];
	unsigned count;
	const char *rest = read_octets(text, octets, &count);

	return rest != NULL && count == 4 && (*rest == '\0' || strchr(" \t;,", *rest) != NULL) &&
		number_of(octets) != 0 && bits_of_mask(number_of(octets)) >= 0;
}

void client_repair_join(char *text)
{
	char *blank, *next;

	for (blank = strpbrk(text, " \t"); blank != NULL; blank = strpbrk(next, " \t")) {
		next = blank + strspn(blank, " \t");
		if (blank == text || !isdigit((unsigned char)blank[-1]))
			continue;
		if ((*next == '/' || *next == '-') &&
			isdigit((unsigned char)next[1 + strspn(next + 1, " \t")])) {
			text_remove(next + 1, strspn(next + 1, " \t"));
			text_remove(blank, (size_t)(next - blank));
			return;
		}
		if (strncasecmp(next, "netmask ", 8) == 0 || strncasecmp(next, "mask ", 5) == 0)
			next += strcspn(next, " ") + 1;
		if (is_mask(next)) {
			*blank = '/';
			text_remove(blank + 1, (size_t)(next - blank - 1));
			return;
		}
	}
}

/* Write the network without its host bits. */
static void write_network(struct cidr *net, unsigned bits, char *text)
{
	char written[CIDR_TEXT_SIZE];
	unsigned i;

	net->prefix_len = (uint8_t)bits;
	for (i = bits; i < (net->family == AF_INET ? 32U : 128U); i++)
		net->addr[i / 8] &= (uint8_t) ~(0x80U >> (i % 8));
	cidr_format(net, written);
	memcpy(text, written, strlen(written) + 1);
}

bool client_repair_ipv4(char *text)
{
	struct cidr net = { .family = AF_INET };
	const char *rest;
	unsigned count;
	int bits;

	if ((rest = read_octets(text, net.addr, &count)) == NULL ||
		(count == 1 && *rest != '/' && strchr(text, '.') == NULL) ||
		(bits = read_bits(rest, count, net.addr)) < 0 || (strlen(text) < 4 && *rest != '/'))
		return false;
	write_network(&net, (unsigned)bits, text);
	return true;
}

bool client_repair_ipv6(char *text)
{
	char address[CIDR_TEXT_SIZE];
	struct cidr net;
	char *slash = strchr(text, '/'), *end;
	unsigned long bits;

	if (slash == NULL || strchr(text, ':') == NULL || slash - text >= (long)sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (cidr_parse(address, &net, NULL) < 0 || net.family != AF_INET6 || *end != '\0' ||
		end == slash + 1 || bits > 128)
		return false;
	write_network(&net, (unsigned)bits, text);
	return true;
}

bool client_repair_reversed(char *text)
{
	struct cidr net = { .family = AF_INET };
	char *arpa = strcasestr(text, ".in-addr.arpa");
	const char *rest;
	uint8_t octets[4];
	unsigned count, i;

	if (arpa == NULL)
		return false;
	*arpa = '\0';
	rest = read_octets(text, octets, &count);
	*arpa = '.';
	if (rest == NULL || (rest != arpa && rest != arpa + 1))
		return false;
	for (i = 0; i < count; i++)
		net.addr[i] = octets[count - 1 - i];
	write_network(&net, 8 * count, text);
	return true;
}
