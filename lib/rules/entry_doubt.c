/*
 * Finds entries of exact lists and of columns that can match, but are probably meant as something
 * else; and the words of hosts_access(5), by which some of them are known. Stateless; any thread
 * may call it.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/address_readings.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/host_word.h"

#define SHOWN_MAX 120 /* bytes of an entry in a message */

static const struct host_word host_words[] = {
	{ "ALL", "a word for all clients", "; write 0.0.0.0/0 and ::/0" },
	{ "LOCAL", "a word for clients whose name has no dot", "" },
	{ "KNOWN", "a word for clients with a name", "" },
	{ "UNKNOWN", "a word for clients without a name, and only addresses match these", "" },
	{ "PARANOID", "a word for clients without a name, and only addresses match these", "" },
};

const struct host_word *host_word_find(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(host_words) / sizeof(host_words[0]); i++) {
		if (strlen(host_words[i].word) == len &&
			strncasecmp(host_words[i].word, text, len) == 0)
			return &host_words[i];
	}
	return NULL;
}

/* Set note to the entry in quotes and the reason. Returns true. */
static bool doubt(struct errmsg *note, const char *text, size_t len, const char *reason)
{
	(void)errmsg_set(note, "\"%.*s\" %s", TEXT_CUT_LEN(text, len, SHOWN_MAX), reason);
	return true;
}

bool entry_is_word(const char *text, size_t len, struct errmsg *note)
{
	const struct host_word *word = host_word_find(text, len);
	char reason[160];

	if (len == 7 && strncasecmp(text, "unknown", len) == 0)
		return doubt(note, text, len,
			"is Postfix's word for clients without a name, and only addresses match these");
	if (word == NULL)
		return false;
	(void)text_format(reason, sizeof(reason),
		"is the name of a client here, but %s in hosts_access(5)", word->meaning);
	return doubt(note, text, len, reason);
}

/* Return whether there are quotes around the local part, which belong to it: ' or those of
 * typography. */
static bool has_false_quotes(const char *local, size_t len)
{
	static const char *const quotes[][2] = { { "'", "'" }, { "\u2018", "\u2019" },
		{ "\u201c", "\u201d" }, { "\u201e", "\u201c" }, { "\u00ab", "\u00bb" } };
	size_t i, open, close;

	for (i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		open = strlen(quotes[i][0]);
		close = strlen(quotes[i][1]);
		if (len > open + close && memcmp(local, quotes[i][0], open) == 0 &&
			memcmp(local + len - close, quotes[i][1], close) == 0)
			return true;
	}
	return false;
}

/* Return whether the entry is an address by which MTAs reach another one, at a full domain. */
static bool is_routed_entry(const char *text, size_t len, struct errmsg *note)
{
	struct mail_address address, inner;

	if (address_parse(text, len, &address) < 0 || address.is_odd || !address.is_routed)
		return false;
	address_innermost(&address, &inner);
	if (strchr(address_domain(&inner), '.') == NULL || inner.is_literal)
		return false;
	(void)errmsg_set(note, "\"%.*s\" matches only this spelling of %.*s",
		TEXT_CUT_LEN(text, len, SHOWN_MAX), TEXT_CUT(inner.canon, SHOWN_MAX));
	return true;
}

/* Return whether an entry is a name without a dot, which matches only itself. There are few such
 * names, so that a top-level domain or a local part is probably meant. */
static bool is_bare_name(enum entry_kind kind, const char *text, size_t len, struct errmsg *note)
{
	const bool is_name = kind == ENTRY_CLIENT || kind == ENTRY_HOST;
	const char *known = is_name ? "localhost" : "postmaster";

	if ((!is_name && kind != ENTRY_ADDRESS && kind != ENTRY_RCPT) || text[0] == '"' ||
		memchr(text, '.', len) != NULL || memchr(text, ':', len) != NULL ||
		(len == strlen(known) && strncasecmp(text, known, len) == 0))
		return false;
	(void)errmsg_set(note, "\"%.*s\" matches only %s%s", TEXT_CUT_LEN(text, len, SHOWN_MAX),
		is_name ? "this name, which has no dot" :
			  "addresses without a domain; add @ and the domain",
		kind == ENTRY_RCPT ? "" :
			is_name	   ? "; write a dot before a top-level domain" :
				     ", or a dot before a top-level domain");
	return true;
}

bool entry_is_doubtful(enum entry_kind kind, const char *text, size_t len, struct errmsg *note)
{
	const char *at = memrchr(text, '@', len);

	for (; kind == ENTRY_ANY && at != NULL && (*text == '!' || *text == ' '); len--)
		text++;
	if (kind == ENTRY_CLIENT && entry_is_word(text, len, note))
		return true;
	if (at == NULL)
		return is_bare_name(kind, text, len, note);
	if (kind == ENTRY_CLIENT || kind == ENTRY_HOST || text[0] == '"')
		return false;
	if (memchr(text, '*', (size_t)(at - text)) != NULL)
		return doubt(note, text, len, "contains *, which is not a wildcard");
	if (text[0] == '!')
		return doubt(note, text, len, "begins with !, which makes no exception here");
	if (text[0] == '-')
		return doubt(note, text, len, "begins with -, which makes no exception");
	if (has_false_quotes(text, (size_t)(at - text)))
		return doubt(note, text, len,
			"has quotes that are a part of the name before its @");
	return is_routed_entry(text, len, note);
}

bool entry_is_local(const char *text, size_t len, struct errmsg *note)
{
	struct mail_address address;

	if (text[0] == '@' || address_parse(text, len, &address) < 0 || address.is_odd ||
		!address.has_domain || !address_is_local(&address))
		return false;
	return doubt(note, text, len,
		"matches only recipients that are written so; those at the MTA's domains reach the "
		"same mailbox");
}
