/*
 * Reads the sections [limit] and [limit NAME] of postern.conf into the rates of the settings. Holds
 * no state; any thread.
 */
#include "lib/conf/config_rates.h"

#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/conf/option_value.h"

/* The NAME of "limit NAME"; NULL for other sections. */
static const char *name_of(const char *section)
{
	if (strncmp(section, "limit", 5) != 0 || (section[5] != ' ' && section[5] != '\t'))
		return NULL;
	return section + 5 + strspn(section + 5, " \t");
}

bool config_is_rates(const char *section)
{
	return name_of(section) != NULL;
}

static int unknown_section(const char *section, struct errmsg *err)
{
	struct strbuf known = STRBUF_INIT;

	for (int i = 0; i < RATE_COUNT; i++)
		strbuf_addf(&known, "%s[limit %s]", i > 0 ? " " : "", rate_name((enum rate)i));
	(void)errmsg_set(err, "unknown section [%.*s]; the sections are %s", TEXT_CUT(section, 80),
		known.failed ? "others" : known.text);
	strbuf_free(&known);
	return -1;
}

int config_read_rate(struct settings *settings, const struct ini_entry *entry, struct errmsg *err)
{
	enum rate rate;

	if (!rate_by_name(name_of(entry->section), &rate))
		return unknown_section(entry->section, err);
	if (entry->name == NULL)
		return 0;
	ini_cut_comment(entry->value);
	if (strcasecmp(entry->name, "enabled") == 0) {
		if (option_bool(entry->value) < 0)
			return errmsg_set(err, "[%s] enabled: \"%.*s\" is neither yes nor no",
				entry->section, TEXT_CUT(entry->value, 60));
		if (!option_bool(entry->value))
			rates_switch_off(settings->rates, rate);
		return 0;
	}
	if (rates_add(settings->rates, rate, entry->name, entry->value, err) < 0)
		return errmsg_prefix(err, "[%s] %s: ", entry->section, entry->name);
	return 0;
}

/* Pass each word of a key of [limit] to add(). */
static int add_words(struct rates *rates, const char *text,
	int (*add)(struct rates *rates, const char *word, struct errmsg *err), struct errmsg *err)
{
	char word[ADDRESS_MAX + 1];
	size_t len;

	for (; *(text += strspn(text, " \t,")) != '\0'; text += len) {
		len = strcspn(text, " \t,");
		if (len >= sizeof(word))
			return errmsg_set(err, "\"%.*s...\" is too long", TEXT_CUT(text, 60));
		memcpy(word, text, len);
		word[len] = '\0';
		if (add(rates, word, err) < 0)
			return -1;
	}
	return 0;
}

int config_apply_rates(struct config *config, const char **key_r, struct errmsg *err)
{
	struct settings *settings = config->settings;
	const struct config_given *given = &config->given;
	const struct {
		const char *key, *text;
		int (*add)(struct rates *rates, const char *word, struct errmsg *err);
	} lists[] = {
		{ "exempt", given->limit_exempt, rates_exempt_network },
		{ "exempt_logins", given->limit_exempt_logins, rates_exempt_login },
		{ "exempt_senders", given->limit_exempt_senders, rates_exempt_sender },
	};
	bool any = false;

	rates_set_ipv6_prefix(settings->rates, given->ipv6_prefix);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		*key_r = lists[i].key;
		if (add_words(settings->rates, lists[i].text, lists[i].add, err) < 0)
			return -1;
	}
	for (int i = 0; i < RATE_COUNT; i++)
		any |= rates_has(settings->rates, (enum rate)i);
	if (!any)
		rates_free(&settings->rates);
	return 0;
}
