/*
 * Reports keys of [limit NAME] that never apply, because mail to or from them is counted elsewhere,
 * and words that probably mean something else. Owns nothing; any thread may call it.
 * t/unit/test_check_counts.c covers it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check_private.h"
#include "lib/rules/entry_check.h"

/* Make an address to which the key should apply. A domain includes all below it; a single label may
 * be a top-level domain. No key begins with "*@". Returns false if it is too long. */
static bool read_key(const char *key, struct mail_address *address_r)
{
	const char *domain_of = strchr(key, '.') != NULL ? "*@" : "*@x.";
	char text[ADDRESS_CANON_SIZE + 4];
	int len = text_format(text, sizeof(text), "%s%s", strchr(key, '@') != NULL ? "" : domain_of,
		key);

	return len > 0 && address_parse(text, (size_t)len, address_r) == 0;
}

/* Return whether the key applies to the address; if not, *counted_r is the one that is counted. */
static bool key_applies(const struct settings *settings, enum rate rate, const char *key,
	const struct mail_address *address, struct mail_address *counted_r)
{
	struct address_readings readings;
	const char *domains, *found;

	*counted_r = *address;
	if (!address_readings_find(address, &readings))
		return true;
	for (size_t i = 0; i < readings.count; i++) {
		if (!address_is_final(&readings.at[i], settings->list_delimiter))
			continue;
		domains = find_counted_address(settings, NULL, &readings.at[i], counted_r);
		found = rates_key_of(settings->rates, rate, counted_r, domains,
			settings->list_delimiter);
		if (found != NULL && strcmp(found, key) == 0)
			return true;
	}
	return false;
}

static void report_key(enum rate rate, const char *key, const struct mail_address *counted,
	struct problems *problems)
{
	const bool is_address = strchr(key, '@') != NULL;
	const char *where = is_address ? counted->canon : address_domain(counted);
	const char *what = is_address ? "this address is counted as" :
					"addresses at this domain are counted at";

	if (counted->has_domain)
		problems_add(problems,
			"[limit %s] %.*s: never applies, because %s %.*s; write that",
			rate_name(rate), TEXT_CUT(key, 120), what, TEXT_CUT(where, 120));
	else
		problems_add(problems,
			"[limit %s] %.*s: never applies, because %s %.*s%sthe MTA's host name",
			rate_name(rate), TEXT_CUT(key, 120), what, TEXT_CUT(where, 120),
			is_address ? " at " : "");
}

/* Note a key that is one label, and neither a public suffix nor one of the MTA's own domains. */
static void note_label(const struct settings *settings, const struct orgdomain *psl, enum rate rate,
	const char *key, struct problems *problems)
{
	const char *domain = settings->local_domains;

	if (psl == NULL || strpbrk(key, "@.") != NULL || orgdomain_has_suffix(psl, key) ||
		is_among(settings->local_domains, key))
		return;
	problems_note(problems,
		"[limit %s] %.*s: applies to all addresses whose domain ends in this label; for the "
		"address of a user, write %.*s@%.*s",
		rate_name(rate), TEXT_CUT(key, 120), TEXT_CUT(key, 120),
		TEXT_CUT(domain[0] == '\0' ? "DOMAIN" : domain, 120));
}

static void check_keys_of(const struct settings *settings, const struct orgdomain *psl,
	enum rate rate, struct problems *problems)
{
	struct mail_address address, counted;
	const char *key;

	for (size_t i = 0; (key = rates_key(settings->rates, rate, i)) != NULL; i++) {
		if (strcmp(key, RATE_DEFAULT) == 0 || !read_key(key, &address))
			continue;
		if (key_applies(settings, rate, key, &address, &counted))
			note_label(settings, psl, rate, key, problems);
		else
			report_key(rate, key, &counted, problems);
	}
}

/*
 * Report words that probably mean "default", and those that mean some clients in other programs,
 * although a host or a top-level domain might have such a name.
 */
static void check_words_of(const struct settings *settings, enum rate rate,
	struct problems *problems)
{
	static const char *const words[] = { "max", "all", "any", "other", "others" };
	const size_t count = sizeof(words) / sizeof(words[0]);
	struct errmsg why;
	const char *key;
	size_t w;

	for (size_t i = 0; (key = rates_key(settings->rates, rate, i)) != NULL; i++) {
		for (w = 0; w < count && strcmp(key, words[w]) != 0; w++)
			;
		if (w < count)
			problems_add(problems,
				"[limit %s] %s: applies only to %s of this name; for all "
				"others, write " RATE_DEFAULT,
				rate_name(rate), key,
				rate_is_of_clients(rate) ? "hosts" : "a top-level domain");
		else if (rate_is_of_clients(rate) && entry_is_word(key, strlen(key), &why))
			problems_add(problems, "[limit %s] %s", rate_name(rate), why.text);
	}
}

void check_rate_keys(const struct settings *settings, const struct orgdomain *psl,
	struct problems *problems)
{
	static const enum rate of_addresses[] = { RATE_RCPT_SENDER, RATE_RCPT, RATE_RCPT_NULL };

	for (int rate = 0; rate < RATE_COUNT; rate++) {
		if (rates_has(settings->rates, (enum rate)rate))
			check_words_of(settings, (enum rate)rate, problems);
	}
	for (size_t i = 0; i < sizeof(of_addresses) / sizeof(of_addresses[0]); i++) {
		if (rates_has(settings->rates, of_addresses[i]))
			check_keys_of(settings, psl, of_addresses[i], problems);
	}
}
