#include <stdio.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/rules/rates_private.h"

bool rates_fold(const char *text, char folded_r[ADDRESS_CANON_SIZE])
{
	const size_t len = strlen(text);

	if (len >= ADDRESS_CANON_SIZE)
		return false;
	ascii_lower_bytes(text, len, folded_r);
	folded_r[len] = '\0';
	return true;
}

static bool has(const struct strmap *map, const char *key)
{
	return strmap_find(map, key, strlen(key), NULL);
}

static bool exempts_sender(const struct rates *rates, const struct mail_address *sender)
{
	const char *domain = address_domain(sender);
	char key[DOMAIN_SIZE + 1];

	if (sender->is_null || strmap_count(rates->exempt_senders) == 0)
		return false;
	if (strmap_find(rates->exempt_senders, sender->canon, sender->canon_len, NULL))
		return true;
	if (!sender->has_domain)
		return false;
	(void)snprintf(key, sizeof(key), "@%s", domain);
	if (has(rates->exempt_senders, key))
		return true;
	for (; domain != NULL && *domain != '\0'; domain = domain_parent(domain)) {
		(void)snprintf(key, sizeof(key), ".%s", domain);
		if (has(rates->exempt_senders, key))
			return true;
	}
	return false;
}

bool rates_exempts(const struct rates *rates, const struct cidr *client, const char *login,
	const struct mail_address *sender)
{
	char folded[ADDRESS_CANON_SIZE];
	uint32_t unused;

	if (client->family != AF_UNSPEC && cidr_set_find(rates->exempt_networks, client, &unused))
		return true;
	if (login != NULL && strmap_count(rates->exempt_logins) > 0 &&
		(has(rates->exempt_logins, "*") ||
			(rates_fold(login, folded) && has(rates->exempt_logins, folded))))
		return true;
	return sender != NULL && exempts_sender(rates, sender);
}

/* The name itself, then each part of it from a dot on. */
static const struct entry *find_name(const struct table *table, const char *name)
{
	uint32_t i;

	for (; name != NULL && *name != '\0'; name = domain_parent(name)) {
		if (strmap_find(table->names, name, strlen(name), &i))
			return &table->entries[i];
	}
	return NULL;
}

static const struct entry *find_default(const struct table *table)
{
	uint32_t i;

	return strmap_find(table->names, RATE_DEFAULT_NAME, strlen(RATE_DEFAULT_NAME), &i) ?
		&table->entries[i] :
		NULL;
}

/* Returns whether the entry limits anything; one that doesn't ends the search all the same. */
static bool matched(enum rate rate, const struct entry *entry, const char *counted,
	struct rate_match *match_r)
{
	if (entry == NULL || entry->limits.len == 0)
		return false;
	match_r->limits = &entry->limits;
	match_r->entry = entry->text;
	(void)snprintf(match_r->counted, sizeof(match_r->counted), "%s:%s", rate_name(rate),
		counted != NULL ? counted : entry->text);
	return true;
}

struct cidr rates_client(const struct rates *rates, const struct cidr *client)
{
	struct cidr net = *client;
	unsigned bits = rates == NULL ? RATE_IPV6_PREFIX : rates->ipv6_prefix;

	if (net.family != AF_INET6 || bits >= net.prefix_len)
		return net;
	net.prefix_len = (uint8_t)bits;
	for (unsigned bit = bits; bit < 128; bit++)
		net.addr[bit / 8] &= (uint8_t) ~(0x80U >> (bit % 8));
	return net;
}

bool rates_find_client(const struct rates *rates, enum rate rate, const struct cidr *client,
	const char *rdns, struct rate_match *match_r)
{
	const struct table *table = &rates->tables[rate];
	const struct entry *entry;
	char text[CIDR_TEXT_SIZE];
	struct cidr alone;
	uint32_t i;

	if (table->count == 0 || client->family == AF_UNSPEC)
		return false;
	if (cidr_set_find(table->networks, client, &i))
		return matched(rate, &table->entries[i], NULL, match_r);
	if (rdns != NULL && (entry = find_name(table, rdns)) != NULL)
		return matched(rate, entry, NULL, match_r);
	alone = rates_client(rates, client);
	cidr_format(&alone, text);
	return matched(rate, find_default(table), text, match_r);
}

void rates_concurrency_key(const struct rates *rates, const struct cidr *client, const char *rdns,
	char key_r[RATE_KEY_SIZE])
{
	const struct cidr alone = rates_client(rates, client);
	struct rate_match match;
	char text[CIDR_TEXT_SIZE];

	if (rates != NULL && rates_find_client(rates, RATE_CONCURRENCY, client, rdns, &match)) {
		memcpy(key_r, match.counted, strlen(match.counted) + 1);
		return;
	}
	cidr_format(&alone, text);
	(void)snprintf(key_r, RATE_KEY_SIZE, "%s:%s", rate_name(RATE_CONCURRENCY), text);
}

bool rates_find_address(const struct rates *rates, enum rate rate,
	const struct mail_address *address, struct rate_match *match_r)
{
	const struct table *table = &rates->tables[rate];
	const struct entry *entry = NULL;
	uint32_t i;

	if (table->count == 0)
		return false;
	if (strmap_find(table->names, address->canon, address->canon_len, &i))
		return matched(rate, &table->entries[i], NULL, match_r);
	if (address->has_domain)
		entry = find_name(table, address_domain(address));
	if (entry != NULL)
		return matched(rate, entry, NULL, match_r);
	return matched(rate, find_default(table), address->canon, match_r);
}
