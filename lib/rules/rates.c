/*
 * The limits for everybody, from the sections [limit NAME]: adds their keys and values, and finds
 * those of a client or an address. One thread fills the rates, then any thread may read them.
 */
#include "lib/rules/rates_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/crc32c.h"
#include "lib/base/strmap.h"
#include "lib/base/text.h"
#include "lib/match/address_readings.h"

#define RATE_IPV6_PREFIX 64 /* the default */

struct rates *rates_new(void)
{
	struct rates *rates = calloc(1, sizeof(*rates));
	bool failed;

	if (rates == NULL)
		return NULL;
	rates->ipv6_prefix = RATE_IPV6_PREFIX;
	rates->arena = arena_new(1024);
	rates->exempt_networks = cidr_set_new();
	rates->exempt_logins = strmap_new();
	rates->exempt_senders = strmap_new();
	failed = rates->arena == NULL || rates->exempt_networks == NULL ||
		rates->exempt_logins == NULL || rates->exempt_senders == NULL;
	for (int i = 0; i < RATE_COUNT; i++) {
		rates->tables[i].networks = cidr_set_new();
		rates->tables[i].names = strmap_new();
		failed |= rates->tables[i].networks == NULL || rates->tables[i].names == NULL;
	}
	if (failed)
		rates_free(&rates);
	return rates;
}

void rates_free(struct rates **rates)
{
	struct rates *gone = *rates;

	*rates = NULL;
	if (gone == NULL)
		return;
	for (int i = 0; i < RATE_COUNT; i++) {
		free(gone->tables[i].entries);
		cidr_set_free(&gone->tables[i].networks);
		strmap_free(&gone->tables[i].names);
	}
	cidr_set_free(&gone->exempt_networks);
	strmap_free(&gone->exempt_logins);
	strmap_free(&gone->exempt_senders);
	arena_free(&gone->arena);
	free(gone);
}

void rates_set_ipv6_prefix(struct rates *rates, unsigned bits)
{
	rates->ipv6_prefix = bits;
}

void rates_switch_off(struct rates *rates, enum rate rate)
{
	rates->tables[rate].is_off = true;
}

bool rates_has(const struct rates *rates, enum rate rate)
{
	return rates != NULL && !rates->tables[rate].is_off &&
		(rates->tables[rate].count > 0 ||
			(rate == RATE_RECIPIENTS && rates->max_relaying > 0));
}

uint32_t rates_max_relaying(const struct rates *rates)
{
	return rates->tables[RATE_RECIPIENTS].is_off ? 0 : rates->max_relaying;
}

/* ---- adding keys ------------------------------------------------------------ */

static int parse_value(enum rate rate, const char *value, struct limits *limits_r,
	struct errmsg *err)
{
	size_t zeros = 0;

	if (rate_is_plain(rate) &&
		(value[0] == '\0' || strspn(value, "0123456789") != strlen(value)))
		return errmsg_set(err, "\"%.*s\" is not a number (0: no limit)",
			TEXT_CUT(value, 60));
	if (limits_parse(value, strlen(value), limits_r, err) < 0)
		return -1;
	if (limits_r->len == 0)
		return errmsg_set(err, "there is no limit; write N/T, as in 50/5m, or 0 for none");
	for (size_t i = 0; i < limits_r->len; i++)
		zeros += limits_r->limit[i].count == 0;
	if (zeros == 0)
		return 0;
	if (zeros < limits_r->len) /* 0 could mean no limit at all, or that nothing is allowed */
		return errmsg_set(err,
			"\"%.*s\" has 0 beside other limits; write 0 alone for no limit, or omit it",
			TEXT_CUT(value, 60));
	limits_r->len = 0; /* no limit */
	return 0;
}

static int add_entry(struct rates *rates, struct rate_table *table, const char *text,
	const struct limits *limits)
{
	struct rate_entry *grown;

	if (table->count == table->size) {
		size_t size = table->size == 0 ? 8 : table->size * 2;

		if ((grown = realloc(table->entries, size * sizeof(*grown))) == NULL)
			return -1;
		table->entries = grown;
		table->size = size;
	}
	table->entries[table->count].text = arena_strdup(rates->arena, text);
	table->entries[table->count].limits = *limits;
	return table->entries[table->count].text == NULL ? -1 : 0;
}

int rates_add(struct rates *rates, enum rate rate, const char *key, const char *value,
	struct errmsg *err)
{
	struct rate_table *table = &rates->tables[rate];
	char text[ADDRESS_CANON_SIZE];
	struct limits limits = { .len = 0 };
	struct cidr net;
	bool network;
	int added;

	if (parse_value(rate, value, &limits, err) < 0)
		return -1;
	if (rate == RATE_RECIPIENTS && strcasecmp(key, RATE_MAX_RELAYING) == 0) {
		rates->max_relaying = limits.len == 0 ? 0 : limits.limit[0].count;
		return 0;
	}
	network = rate_is_of_clients(rate) && rate_key_network(key, &net);
	if (network)
		cidr_format(&net, text);
	else if (rate_key_canon(rate, key, text, err) < 0)
		return -1;
	if (add_entry(rates, table, strcmp(text, RATE_DEFAULT_NAME) == 0 ? RATE_DEFAULT : text,
		    &limits) < 0)
		return errmsg_set(err, "out of memory");
	added = network ? cidr_set_add(table->networks, &net, (uint32_t)table->count) :
			  strmap_add(table->names, text, strlen(text), (uint32_t)table->count);
	if (added == 0)
		return errmsg_set(err, "%.*s occurs twice, in different forms", TEXT_CUT(key, 80));
	if (added < 0)
		return errmsg_set(err, "out of memory");
	table->count++;
	return 0;
}

/* ---- looking up ---------------------------------------------------------------- */

/* Find the entry of the name or of a domain above it. */
static const struct rate_entry *find_name(const struct rate_table *table, const char *name)
{
	uint32_t i;

	return domain_walk(table->names, DOMAIN_PLAIN, name, &i) ? &table->entries[i] : NULL;
}

static const struct rate_entry *find_default(const struct rate_table *table)
{
	uint32_t i;

	return strmap_find(table->names, RATE_DEFAULT_NAME, strlen(RATE_DEFAULT_NAME), &i) ?
		&table->entries[i] :
		NULL;
}

/* Shorten a long address to its beginning and a checksum, so that addresses which strangers make
 * up need little memory. */
static void shorten_key(char key_r[RATE_KEY_SIZE])
{
	const size_t len = strlen(key_r);
	char whole[RATE_KEY_SIZE];

	if (len <= RATE_KEY_LONG)
		return;
	memcpy(whole, key_r, len + 1);
	(void)text_format(key_r, RATE_KEY_SIZE, "%.*s...%zu.%08" PRIx32,
		TEXT_CUT(whole, RATE_KEY_LONG - 32), len, crc32c(whole, len));
}

/* Fill *match_r from the entry. Returns whether it sets a limit; the search ends with the entry in
 * any case. */
static bool matched(enum rate rate, const struct rate_entry *entry, const char *counted,
	struct rate_match *match_r)
{
	if (entry == NULL || entry->limits.len == 0)
		return false;
	match_r->limits = &entry->limits;
	match_r->entry = entry->text;
	match_r->is_default = counted != NULL;
	(void)text_format(match_r->counted, sizeof(match_r->counted), "%s:%s", rate_name(rate),
		counted != NULL ? counted : entry->text);
	shorten_key(match_r->counted);
	return true;
}

void rate_match_of_login(struct rate_match *match)
{
	const size_t name_len = strcspn(match->counted, ":"), len = sizeof(RATE_OF_LOGIN) - 1;

	/* The key is not longer than RATE_KEY_LONG. */
	memmove(match->counted + name_len + len, match->counted + name_len,
		strlen(match->counted + name_len) + 1);
	memcpy(match->counted + name_len, RATE_OF_LOGIN, len);
}

/* Return the network that counts as the client: the network of an IPv6 address, or the IPv4 address
 * itself, also that of a client behind a translator. rates may be NULL. */
static struct cidr network_of_client(const struct rates *rates, const struct cidr *client)
{
	struct cidr net = cidr_translated(client);
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
	const struct rate_table *table = &rates->tables[rate];
	const struct rate_entry *entry;
	char text[CIDR_TEXT_SIZE];
	struct cidr alone;
	uint32_t i;

	if (table->is_off || table->count == 0 || client->family == AF_UNSPEC)
		return false;
	if (cidr_set_find(table->networks, client, &i))
		return matched(rate, &table->entries[i], NULL, match_r);
	if (rdns != NULL && (entry = find_name(table, rdns)) != NULL)
		return matched(rate, entry, NULL, match_r);
	alone = network_of_client(rates, client);
	cidr_format(&alone, text);
	return matched(rate, find_default(table), text, match_r);
}

void rates_concurrency_key(const struct rates *rates, const struct cidr *client, const char *rdns,
	char key_r[RATE_KEY_SIZE])
{
	const struct cidr alone = network_of_client(rates, client);
	struct rate_match match;
	char text[CIDR_TEXT_SIZE];

	if (rates != NULL && rates_find_client(rates, RATE_CONCURRENCY, client, rdns, &match)) {
		memcpy(key_r, match.counted, strlen(match.counted) + 1);
		return;
	}
	cidr_format(&alone, text);
	(void)text_format(key_r, RATE_KEY_SIZE, "%s:%s", rate_name(RATE_CONCURRENCY), text);
}

/* Find the limit of a network, or of an address, which is the narrowest network. */
static bool find_network(const struct rates *rates, enum rate rate, const struct cidr *net,
	struct rate_match *match_r)
{
	uint32_t i;

	/* Under "default", a client counts alone; a wider network has no count. */
	if (net->prefix_len == (net->family == AF_INET ? 32 : 128) ||
		(net->family == AF_INET6 && net->prefix_len == rates->ipv6_prefix))
		return rates_find_client(rates, rate, net, NULL, match_r);
	return cidr_set_find(rates->tables[rate].networks, net, &i) &&
		matched(rate, &rates->tables[rate].entries[i], NULL, match_r);
}

int rates_find_text(const struct rates *rates, enum rate rate, const char *text,
	struct rate_match *match_r)
{
	char canon[ADDRESS_CANON_SIZE];
	struct cidr net;
	bool found;
	int len;

	if (rate_is_of_clients(rate) && rate_key_network(text, &net)) {
		found = rates != NULL && find_network(rates, rate, &net, match_r);
		net = network_of_client(rates, &net);
		cidr_format(&net, canon);
	} else {
		len = domain_canon(text, strlen(text), canon);
		if (!rate_key_is_name(canon, len))
			return -1;
		found = rates != NULL &&
			matched(rate, find_name(&rates->tables[rate], canon), NULL, match_r);
	}
	if (!found)
		(void)text_format(match_r->counted, sizeof(match_r->counted), "%s:%s",
			rate_name(rate), canon);
	return found;
}

/* Return whether a key ends as shorten_key() makes it end. No address does. */
static bool is_shortened(const char *key)
{
	const char *end = strrchr(key, '.'), *number = end;

	if (end == NULL || strspn(end + 1, "0123456789abcdef") != 8 || end[9] != '\0')
		return false;
	while (number > key && number[-1] >= '0' && number[-1] <= '9')
		number--;
	return number < end && number - key > 3 && memcmp(number - 3, "...", 3) == 0 &&
		strtoul(number, NULL, 10) > RATE_KEY_LONG;
}

int rates_find_shortened(const struct rates *rates, enum rate rate, const char *text,
	struct rate_match *match_r)
{
	const struct rate_table *table = rates == NULL ? NULL : &rates->tables[rate];
	char key[RATE_KEY_LONG + 1];
	int len = text_format(key, sizeof(key), "%s:%s", rate_name(rate), text);

	if (len < 0 || len > RATE_KEY_LONG || !is_shortened(key))
		return -1;
	for (size_t i = 0; table != NULL && !table->is_off && i < table->count; i++) {
		if (matched(rate, &table->entries[i], NULL, match_r) &&
			strcmp(match_r->counted, key) == 0)
			return 1;
	}
	if (table != NULL && !table->is_off && matched(rate, find_default(table), text, match_r))
		return 1;
	memcpy(match_r->counted, key, (size_t)len + 1);
	return 0;
}

static const struct rate_entry *find_key(const struct rate_table *table, const char *text,
	size_t len)
{
	uint32_t i;

	return strmap_find(table->names, text, len, &i) ? &table->entries[i] : NULL;
}

/* Find the entry of an address that has several forms. */
static const struct rate_entry *find_forms(const struct rate_table *table,
	const struct mail_address *address, const char *delimiters)
{
	const struct rate_entry *entry = NULL;
	struct address_key key;
	unsigned form;

	for (form = 0; form < ADDRESS_KEYS && entry == NULL; form++) {
		if (address_key(address, delimiters, form, &key))
			entry = find_key(table, key.text, key.len);
	}
	return entry;
}

/* Find the entry of an address that has several forms, or is the same mailbox at several domains.
 */
static const struct rate_entry *find_mailbox(const struct rate_table *table,
	const struct mail_address *address, const char *domains, const char *delimiters)
{
	const struct rate_entry *entry = find_forms(table, address, delimiters);
	struct mail_address moved;
	const char *domain;

	for (domain = domains; entry == NULL && *domain != '\0'; domain += strlen(domain) + 1) {
		if (address_at_domain(address, domain, &moved))
			entry = find_forms(table, &moved, delimiters);
	}
	if (entry == NULL && address->has_domain)
		entry = find_name(table, address_domain(address));
	for (domain = domains; entry == NULL && *domain != '\0'; domain += strlen(domain) + 1)
		entry = find_name(table, domain);
	return entry;
}

/* Find the limits of an address that has several forms, or is the same mailbox at several domains.
 */
static bool match_mailbox(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters,
	struct rate_match *match_r)
{
	const struct rate_table *table = &rates->tables[rate];
	const struct rate_entry *entry = find_mailbox(table, address, domains, delimiters);
	struct mail_address moved;
	struct address_key key;

	if (entry != NULL)
		return matched(rate, entry, NULL, match_r);
	if (*domains != '\0' && address_at_domain(address, domains, &moved))
		address = &moved;
	address_count_key(address, delimiters, &key);
	return matched(rate, find_default(table), key.text, match_r);
}

bool rates_find_address(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters,
	struct rate_match *match_r)
{
	const struct rate_table *table = &rates->tables[rate];
	const struct rate_entry *entry;

	if (table->is_off || table->count == 0)
		return false;
	/* An odd address may look like an overflow key, unless the key has the necessary quotes. */
	if (*domains != '\0' || address->is_odd || !address_has_one_key(address, delimiters))
		return match_mailbox(rates, rate, address, domains, delimiters, match_r);
	entry = find_key(table, address->canon, address->canon_len);
	if (entry == NULL && address->has_domain)
		entry = find_name(table, address_domain(address));
	if (entry != NULL)
		return matched(rate, entry, NULL, match_r);
	return matched(rate, find_default(table), address->canon, match_r);
}

const char *rates_key(const struct rates *rates, enum rate rate, size_t i)
{
	const struct rate_table *table = &rates->tables[rate];

	return i < table->count ? table->entries[i].text : NULL;
}

const char *rates_key_of(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters)
{
	const struct rate_entry *entry =
		find_mailbox(&rates->tables[rate], address, domains, delimiters);

	return entry == NULL ? NULL : entry->text;
}
