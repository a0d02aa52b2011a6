/*
 * Reads the keys of the sections [limit NAME]: networks, host names, addresses, domains, and the
 * words with a special meaning. Holds no state; any thread. Covered by t/unit/test_rates.c.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/match/address_readings.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/rates_private.h"

/* Return whether key is the first one to three numbers of an IPv4 address: "127", "192.168.1". */
static bool is_ipv4_part(const char *key, struct cidr *net_r)
{
	struct cidr net = { .family = AF_INET };
	unsigned long value;
	unsigned count = 0;
	const char *at = key;
	size_t len;

	while (count < 3 && (len = strspn(at, "0123456789")) > 0 && len <= 3 &&
		(value = strtoul(at, NULL, 10)) < 256) {
		net.addr[count++] = (uint8_t)value;
		at += len;
		if (*at == '\0') {
			net.prefix_len = (uint8_t)(8 * count);
			*net_r = net;
			return true;
		}
		if (*at++ != '.')
			return false;
	}
	return false;
}

/*
 * Return whether key is the first groups of an IPv6 address: "fe80", "2001:db8". A single group
 * needs four digits and a number among them, because others could be top-level domains.
 */
static bool is_ipv6_part(const char *key, struct cidr *net_r)
{
	struct cidr net = { .family = AF_INET6 };
	const char *at = key;
	unsigned count = 0;
	size_t len;

	while (count < 7 && (len = strspn(at, "0123456789abcdefABCDEF")) > 0 && len <= 4) {
		unsigned long group = strtoul(at, NULL, 16);

		net.addr[2 * count] = (uint8_t)(group >> 8);
		net.addr[2 * count + 1] = (uint8_t)group;
		count++;
		at += len;
		if (*at == '\0') {
			net.prefix_len = (uint8_t)(16 * count);
			*net_r = net;
			return count > 1 || (len == 4 && strpbrk(key, "0123456789") != NULL);
		}
		if (*at++ != ':')
			return false;
	}
	return false;
}

bool rate_key_network(const char *key, struct cidr *net_r)
{
	struct errmsg unused;

	return is_ipv4_part(key, net_r) || is_ipv6_part(key, net_r) ||
		cidr_parse(key, net_r, &unused) == 0;
}

bool rate_key_is_name(const char *name, int len)
{
	return len > 0 && name[0] != '.' && strpbrk(name, " \t@/:[];,<>\"\\") == NULL &&
		strstr(name, "..") == NULL;
}

/* Refuse a key that is nearly a word with a special meaning. Words shorter than "default" could be
 * meant as top-level domains. */
static int check_near_words(enum rate rate, const char *key, struct errmsg *err)
{
	unsigned distance = NEAR_NAME_MAX;

	if (strcmp(key, "*") == 0 || near_name_better(key, RATE_DEFAULT, &distance))
		return errmsg_set(err, "\"%s\" is unknown; did you mean \"" RATE_DEFAULT "\"?",
			key);
	if (!near_name_better(key, RATE_MAX_RELAYING, &distance))
		return 0;
	if (rate == RATE_RECIPIENTS)
		return errmsg_set(err, "\"%s\" is unknown; did you mean \"" RATE_MAX_RELAYING "\"?",
			key);
	return errmsg_set(err, "\"" RATE_MAX_RELAYING "\" is a key of [limit recipients] alone");
}

/* Write the canonical form of a host name or domain, which may begin with a dot. */
static int canon_name(enum rate rate, const char *key, char canon_r[ADDRESS_CANON_SIZE],
	struct errmsg *err)
{
	const bool of_clients = rate_is_of_clients(rate);
	const char *name = key + (key[0] == '.');
	int len;

	if (key[0] != '\0' &&
		(check_near_words(rate, key, err) < 0 ||
			!entry_check(of_clients ? ENTRY_CLIENT : ENTRY_HOST, key, strlen(key), NULL,
				err)))
		return -1;
	len = domain_canon(name, strlen(name), canon_r);
	if (rate_key_is_name(canon_r, len))
		return 0;
	return errmsg_set(err, "\"%.*s\" is neither %s nor \"default\"", TEXT_CUT(key, 80),
		of_clients ? "an address, the beginning of one, a host name" :
			     "a mail address, a domain");
}

/* Return the domain of a key that is nearly one: "@example.com", "*@example.com"; or NULL. */
static const char *domain_of_all(const char *key)
{
	const char *domain = key + (key[0] == '*');
	char canon[DOMAIN_SIZE];
	int len;

	if (*domain++ != '@' || strchr(domain, '*') != NULL)
		return NULL;
	len = domain_canon(domain, strlen(domain), canon);
	return rate_key_is_name(canon, len) ? domain : NULL;
}

int rate_key_canon(enum rate rate, const char *key, char canon_r[ADDRESS_CANON_SIZE],
	struct errmsg *err)
{
	struct mail_address address, folded;
	const char *domain;

	if (strcasecmp(key, RATE_DEFAULT) == 0 ||
		(rate_is_plain(rate) && strcasecmp(key, "max") == 0)) {
		memcpy(canon_r, RATE_DEFAULT_NAME, sizeof(RATE_DEFAULT_NAME));
		return 0;
	}
	if (!rate_is_of_clients(rate) && strchr(key, '@') != NULL) {
		if ((domain = domain_of_all(key)) != NULL)
			return errmsg_set(err, "\"%.*s\" is not a mail address; write %.*s",
				TEXT_CUT(key, 80), TEXT_CUT(domain, 80));
		if (address_parse(key, strlen(key), &address) != 0 || address.is_null ||
			!address.has_domain || address.local_len == 0)
			return errmsg_set(err, "\"%.*s\" is not a mail address", TEXT_CUT(key, 80));
		if (!entry_check(ENTRY_ADDRESS, key, strlen(key), NULL, err))
			return -1;
		if (!address_fold(&address, &folded)) /* the form of a counted address */
			folded = address;
		memcpy(canon_r, folded.canon, (size_t)folded.canon_len + 1);
		return 0;
	}
	return canon_name(rate, key, canon_r, err);
}
