/*
 * The networks, logins and senders to which no limit for everybody applies. One thread fills the
 * rates, then any thread may read them. Covered by t/unit/test_rates.c.
 */
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/match/address_readings.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/rates_private.h"

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
		if (!rate_key_is_name(key + 1, len))
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

bool rates_have_exempt_logins(const struct rates *rates)
{
	return strmap_count(rates->exempt_logins) > 0;
}

bool rates_exempts(const struct rates *rates, const struct cidr *client, const char *login,
	const struct mail_address *sender)
{
	char folded[ADDRESS_CANON_SIZE];
	uint32_t unused;

	if (client->family != AF_UNSPEC && cidr_set_find(rates->exempt_networks, client, &unused))
		return true;
	if (login != NULL && rates_have_exempt_logins(rates) &&
		(has_key(rates->exempt_logins, "*") ||
			(fold_login(login, folded) && has_key(rates->exempt_logins, folded))))
		return true;
	return sender != NULL && exempts_sender(rates, sender);
}
