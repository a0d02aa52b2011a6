/*
 * The limits for everybody, from the sections [limit NAME]: reads their keys and values, and finds
 * those of a client or an address. One thread fills the rates, then any thread may read them.
 */
#include "lib/rules/rates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/arena.h"
#include "lib/base/ascii.h"
#include "lib/base/crc32c.h"
#include "lib/base/near_name.h"
#include "lib/base/strmap.h"
#include "lib/base/text.h"
#include "lib/match/address_readings.h"
#include "lib/rules/entry_check.h"

#define RATE_IPV6_PREFIX 64 /* the default */
#define RATE_DEFAULT "default"
#define RATE_MAX_RELAYING "max_relaying"
#define RATE_DEFAULT_NAME "*" /* in the table of names: not a possible name */

/* One key of a section. */
struct entry {
	const char *text; /* in the arena */
	struct limits limits;
};

struct table {
	bool is_off; /* no entry applies */
	struct entry *entries;
	size_t count, size;
	struct cidr_set *networks; /* -> entry */
	struct strmap *names;	   /* host names, addresses, domains, "default" -> entry */
};

struct rates {
	struct arena *arena;
	struct table tables[RATE_COUNT];
	unsigned ipv6_prefix;
	uint32_t max_relaying;
	struct cidr_set *exempt_networks;
	struct strmap *exempt_logins, *exempt_senders;
};

static const char *const names[RATE_COUNT] = {
	[RATE_CONN] = "rate_conn",
	[RATE_RCPT_HOST] = "rate_rcpt_host",
	[RATE_RCPT_SENDER] = "rate_rcpt_sender",
	[RATE_RCPT] = "rate_rcpt",
	[RATE_RCPT_NULL] = "rate_rcpt_null",
	[RATE_CONCURRENCY] = "concurrency",
	[RATE_RECIPIENTS] = "recipients",
};

const char *rate_name(enum rate rate)
{
	return names[rate];
}

bool rate_by_name(const char *name, enum rate *rate_r)
{
	for (int i = 0; i < RATE_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*rate_r = (enum rate)i;
			return true;
		}
	}
	return false;
}

const char *rate_near_name(const char *text)
{
	const char *colon = strchr(text, ':'), *near = NULL;
	unsigned best = NEAR_NAME_MAX;
	char typed[NEAR_NAME_MAX + 1];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(typed))
		return NULL;
	memcpy(typed, text, (size_t)(colon - text));
	typed[colon - text] = '\0';
	for (int i = 0; i < RATE_COUNT; i++) {
		if (near_name_better(typed, names[i], &best))
			near = names[i];
	}
	return best == 0 && near != NULL && strcmp(near, typed) == 0 ? NULL : near;
}

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

/* ---- reading keys and values ------------------------------------------------ */

static bool is_plain(enum rate rate)
{
	return rate == RATE_CONCURRENCY || rate == RATE_RECIPIENTS;
}

bool rate_is_of_clients(enum rate rate)
{
	return rate == RATE_CONN || rate == RATE_RCPT_HOST || is_plain(rate);
}

static int parse_value(enum rate rate, const char *value, struct limits *limits_r,
	struct errmsg *err)
{
	if (is_plain(rate) && (value[0] == '\0' || strspn(value, "0123456789") != strlen(value)))
		return errmsg_set(err, "\"%.*s\" is not a number (0: no limit)",
			TEXT_CUT(value, 60));
	if (limits_parse(value, strlen(value), limits_r, err) < 0)
		return -1;
	if (limits_r->len == 0)
		return errmsg_set(err, "there is no limit; write N/T, as in 50/5m, or 0 for none");
	for (size_t i = 0; i < limits_r->len; i++) {
		if (limits_r->limit[i].count == 0)
			limits_r->len = 0; /* no limit */
	}
	return 0;
}

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

static bool is_network(const char *key, struct cidr *net_r)
{
	struct errmsg unused;

	return is_ipv4_part(key, net_r) || is_ipv6_part(key, net_r) ||
		cidr_parse(key, net_r, &unused) == 0;
}

/* Return whether a canonical name is a possible one. */
static bool is_name(const char *name, int len)
{
	return len > 0 && name[0] != '.' && strpbrk(name, " \t@/:[];,<>\"\\") == NULL &&
		strstr(name, "..") == NULL;
}

/* Refuse a key that is nearly a word with a meaning of its own. Shorter words than "default" could
 * be meant as top-level domains. */
static int check_near_words(enum rate rate, const char *key, struct errmsg *err)
{
	unsigned distance = NEAR_NAME_MAX;

	if (strcmp(key, "*") == 0 || near_name_better(key, RATE_DEFAULT, &distance))
		return errmsg_set(err, "\"%s\" is unknown; did you mean \"" RATE_DEFAULT "\"?",
			key);
	if (!is_plain(rate) || !near_name_better(key, RATE_MAX_RELAYING, &distance))
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
	if (is_name(canon_r, len))
		return 0;
	return errmsg_set(err, "\"%.*s\" is neither %s nor \"default\"", TEXT_CUT(key, 80),
		of_clients ? "an address, the beginning of one, a host name" :
			     "a mail address, a domain");
}

/* Write the canonical form of a key that is not a network. */
static int canon_key(enum rate rate, const char *key, char canon_r[ADDRESS_CANON_SIZE],
	struct errmsg *err)
{
	struct mail_address address, folded;

	if (strcasecmp(key, RATE_DEFAULT) == 0 || (is_plain(rate) && strcasecmp(key, "max") == 0)) {
		memcpy(canon_r, RATE_DEFAULT_NAME, sizeof(RATE_DEFAULT_NAME));
		return 0;
	}
	if (!rate_is_of_clients(rate) && strchr(key, '@') != NULL) {
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

static int add_entry(struct rates *rates, struct table *table, const char *text,
	const struct limits *limits)
{
	struct entry *grown;

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
	struct table *table = &rates->tables[rate];
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
	network = rate_is_of_clients(rate) && is_network(key, &net);
	if (network)
		cidr_format(&net, text);
	else if (canon_key(rate, key, text, err) < 0)
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

/* ---- exempt ------------------------------------------------------------------ */

int rates_exempt_network(struct rates *rates, const char *text, struct errmsg *err)
{
	struct cidr net;

	if (cidr_parse(text, &net, err) < 0)
		return -1;
	return cidr_set_add(rates->exempt_networks, &net, 0) < 0 ?
		errmsg_set(err, "out of memory") :
		0;
}

/* Write the login in lower case (ASCII). false: it is too long. */
static bool fold_login(const char *text, char folded_r[ADDRESS_CANON_SIZE])
{
	const size_t len = strlen(text);

	if (len >= ADDRESS_CANON_SIZE)
		return false;
	ascii_lower_bytes(text, len, folded_r);
	folded_r[len] = '\0';
	return true;
}

int rates_exempt_login(struct rates *rates, const char *text, struct errmsg *err)
{
	char folded[ADDRESS_CANON_SIZE];

	if (!fold_login(text, folded))
		return errmsg_set(err, "\"%.*s...\" is too long for a login", TEXT_CUT(text, 60));
	if (strchr(text, '*') != NULL && text[1] != '\0')
		return errmsg_set(err,
			"\"%.*s\" contains *, which alone stands for all logins but is not a wildcard",
			TEXT_CUT(text, 60));
	return strmap_add(rates->exempt_logins, folded, strlen(folded), 0) < 0 ?
		errmsg_set(err, "out of memory") :
		0;
}

int rates_exempt_sender(struct rates *rates, const char *text, struct errmsg *err)
{
	char key[ADDRESS_CANON_SIZE];
	struct mail_address address, folded;
	int len;

	if (text[0] == '@' || text[0] == '.') {
		len = domain_canon(text + 1, strlen(text + 1), key + 1);
		if (!is_name(key + 1, len))
			return errmsg_set(err, "\"%.*s\" is not a domain", TEXT_CUT(text, 80));
		key[0] = text[0];
	} else {
		if (address_parse(text, strlen(text), &address) != 0 || address.is_null ||
			!address.has_domain)
			return errmsg_set(err,
				"\"%.*s\" is not a sender: an address, @example.com or .example.com",
				TEXT_CUT(text, 80));
		if (!entry_check(ENTRY_ADDRESS, text, strlen(text), NULL, err))
			return -1;
		memcpy(key, address.canon, (size_t)address.canon_len + 1);
		if (address_fold(&address, &folded) &&
			strmap_add(rates->exempt_senders, folded.canon, folded.canon_len, 0) < 0)
			return errmsg_set(err, "out of memory");
	}
	return strmap_add(rates->exempt_senders, key, strlen(key), 0) < 0 ?
		errmsg_set(err, "out of memory") :
		0;
}

/* ---- looking up ---------------------------------------------------------------- */

static bool has_key(const struct strmap *map, const char *key)
{
	return strmap_find(map, key, strlen(key), NULL);
}

static bool exempts_reading(const struct rates *rates, const struct mail_address *sender)
{
	const char *domain = address_domain(sender);
	char key[DOMAIN_SIZE + 1];

	if (strmap_find(rates->exempt_senders, sender->canon, sender->canon_len, NULL))
		return true;
	if (!sender->has_domain)
		return false;
	(void)text_format(key, sizeof(key), "@%s", domain);
	if (has_key(rates->exempt_senders, key))
		return true;
	return domain_walk(rates->exempt_senders, DOMAIN_DOTTED, domain, NULL);
}

/* Not inlined, so that only addresses with several readings need this much stack. */
__attribute__((noinline)) static bool exempts_readings(const struct rates *rates,
	const struct mail_address *sender)
{
	struct address_readings readings;
	size_t i;

	if (!address_readings_find(sender, &readings))
		return false;
	for (i = 0; i < readings.certain; i++) {
		if (!exempts_reading(rates, &readings.at[i]))
			return false;
	}
	return true;
}

/* Return whether all readings of the sender are exempt, as allow lists demand. */
static bool exempts_sender(const struct rates *rates, const struct mail_address *sender)
{
	if (sender->is_null || sender->is_odd || strmap_count(rates->exempt_senders) == 0)
		return false;
	return sender->is_simple ? exempts_reading(rates, sender) : exempts_readings(rates, sender);
}

bool rates_exempts(const struct rates *rates, const struct cidr *client, const char *login,
	const struct mail_address *sender)
{
	char folded[ADDRESS_CANON_SIZE];
	uint32_t unused;

	if (client->family != AF_UNSPEC && cidr_set_find(rates->exempt_networks, client, &unused))
		return true;
	if (login != NULL && strmap_count(rates->exempt_logins) > 0 &&
		(has_key(rates->exempt_logins, "*") ||
			(fold_login(login, folded) && has_key(rates->exempt_logins, folded))))
		return true;
	return sender != NULL && exempts_sender(rates, sender);
}

/* Find the entry of the name or of a domain above it. */
static const struct entry *find_name(const struct table *table, const char *name)
{
	uint32_t i;

	return domain_walk(table->names, DOMAIN_PLAIN, name, &i) ? &table->entries[i] : NULL;
}

static const struct entry *find_default(const struct table *table)
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
static bool matched(enum rate rate, const struct entry *entry, const char *counted,
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
	const struct table *table = &rates->tables[rate];
	const struct entry *entry;
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

	if (rate_is_of_clients(rate) && is_network(text, &net)) {
		found = rates != NULL && find_network(rates, rate, &net, match_r);
		net = network_of_client(rates, &net);
		cidr_format(&net, canon);
	} else {
		len = domain_canon(text, strlen(text), canon);
		if (!is_name(canon, len))
			return -1;
		found = rates != NULL &&
			matched(rate, find_name(&rates->tables[rate], canon), NULL, match_r);
	}
	if (!found)
		(void)text_format(match_r->counted, sizeof(match_r->counted), "%s:%s",
			rate_name(rate), canon);
	return found;
}

static const struct entry *find_key(const struct table *table, const char *text, size_t len)
{
	uint32_t i;

	return strmap_find(table->names, text, len, &i) ? &table->entries[i] : NULL;
}

/* Find the entry of an address that has several forms. */
static const struct entry *find_forms(const struct table *table, const struct mail_address *address,
	const char *delimiters)
{
	const struct entry *entry = NULL;
	struct address_key key;
	unsigned form;

	for (form = 0; form < ADDRESS_KEYS && entry == NULL; form++) {
		if (address_key(address, delimiters, form, &key))
			entry = find_key(table, key.text, key.len);
	}
	return entry;
}

/* Find the limits of an address that has several forms, or is the same mailbox at several domains.
 */
static bool find_mailbox(const struct rates *rates, enum rate rate,
	const struct mail_address *address, const char *domains, const char *delimiters,
	struct rate_match *match_r)
{
	const struct table *table = &rates->tables[rate];
	const struct entry *entry = find_forms(table, address, delimiters);
	struct mail_address moved;
	struct address_key key;
	const char *domain;

	for (domain = domains; entry == NULL && *domain != '\0'; domain += strlen(domain) + 1) {
		if (address_at_domain(address, domain, &moved))
			entry = find_forms(table, &moved, delimiters);
	}
	if (entry == NULL && address->has_domain)
		entry = find_name(table, address_domain(address));
	for (domain = domains; entry == NULL && *domain != '\0'; domain += strlen(domain) + 1)
		entry = find_name(table, domain);
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
	const struct table *table = &rates->tables[rate];
	const struct entry *entry;

	if (table->is_off || table->count == 0)
		return false;
	/* An odd address may look like an overflow key, unless the key has the necessary quotes. */
	if (*domains != '\0' || address->is_odd || !address_has_one_key(address, delimiters))
		return find_mailbox(rates, rate, address, domains, delimiters, match_r);
	entry = find_key(table, address->canon, address->canon_len);
	if (entry == NULL && address->has_domain)
		entry = find_name(table, address_domain(address));
	if (entry != NULL)
		return matched(rate, entry, NULL, match_r);
	return matched(rate, find_default(table), address->canon, match_r);
}
