/*
 * Finds regexes that match no name or address of a client, and those that match only a part of the
 * argument of HELO. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"

/* Return whether a regex is the first numbers of an IPv4 address, with dots that may not be
 * escaped. It ends at `end`. Two dots in a row may be an IPv6 address (1::2). */
static bool is_part_of_ipv4(const struct regex_checked *c, const struct regex_needs *needs,
	size_t end)
{
	const unsigned dots = needs->dots + needs->any;

	return end > 0 && needs->is_literal && needs->is_number &&
		isdigit((unsigned char)needs->first) && memmem(c->text, end, "..", 2) == NULL &&
		dots > 0 && dots < (c->text[end - 1] == '.' ? 4U : 3U);
}

/* Return why no whole name or address of a client can match, and the probable meaning; or NULL. */
static const char *find_client_fault(const struct regex_checked *c, const struct regex_needs *needs,
	struct strbuf *right)
{
	const size_t begin = c->text[0] == '^' ? 1 : 0;
	const size_t end = c->len - (c->text[c->len - 1] == '$' ? 1 : 0);
	const char *reason = NULL;

	if (needs->first == '.') {
		reason = "begins with a dot, and must match the whole name or address";
		strbuf_add_str(right, ".*");
		strbuf_add(right, c->text + begin, c->len - begin);
		if (needs->last == '.' && end == c->len)
			strbuf_add_str(right, ".*");
	} else if (needs->last == '.') {
		reason = "ends with a dot, and must match the whole name or address";
		strbuf_add(right, c->text, end);
		strbuf_add_str(right, ".*");
	} else if (is_part_of_ipv4(c, needs, end)) {
		reason = "is a part of an address, and must match all of it";
		strbuf_add(right, c->text, end - (c->text[end - 1] == '.' ? 1 : 0));
		strbuf_add_str(right, "\\..*");
	}
	return reason;
}

/* Return whether a regex is the word for clients without a name: Postfix's, or one of Haraka's. */
static bool is_word_for_none(const struct regex_checked *c)
{
	static const char *const words[] = { "unknown", "NXDOMAIN", "DNSERROR" };
	const struct regex_checked inner = regex_without_anchors(c);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (inner.len == strlen(words[i]) &&
			strncasecmp(inner.text, words[i], inner.len) == 0)
			return true;
	}
	return false;
}

bool regex_client_can_match(const struct regex_checked *c, const struct regex_needs *needs)
{
	struct strbuf right = STRBUF_INIT;
	const char *fault;
	char reason[100];

	if (is_word_for_none(c))
		return regex_fail(c,
			"is a word for clients without a name, and only addresses match these",
			NULL);
	if (needs->odd != '\0') {
		(void)text_format(reason, sizeof(reason),
			"requires \"%c\", which no client's name or address contains", needs->odd);
		return regex_fail(c, reason, NULL);
	}
	fault = c->anchored && c->len > 0 ? find_client_fault(c, needs, &right) : NULL;
	if (fault == NULL && needs->wide != NULL && regex_add_ascii_form(c, needs->wide, &right))
		fault = REGEX_OUTSIDE_ASCII;
	if (fault != NULL)
		(void)regex_fail(c, fault, &right);
	strbuf_free(&right);
	return fault == NULL;
}

bool regex_matches_part(const char *text, size_t len, struct errmsg *note)
{
	struct strbuf right = STRBUF_INIT;
	const struct regex_checked c = {
		.subject = REGEX_ON_HELO,
		.anchored = true,
		.text = text,
		.len = len,
	};
	const char *reason = NULL;
	struct regex_needs needs;

	if (len > 0 && !regex_has_alternatives(text, len)) {
		needs = regex_needs_find(&c);
		reason = find_client_fault(&c, &needs, &right);
	}
	if (reason != NULL) {
		(void)errmsg_set(note, "\"%.*s\" %s", TEXT_CUT_LEN(text, len, REGEX_SHOWN_MAX),
			reason);
		regex_propose(note, c.subject, c.anchored, &right);
	}
	strbuf_free(&right);
	return reason != NULL;
}
