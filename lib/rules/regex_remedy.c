/*
 * Writes the remedy of a regex that can never match: a regex with its probable meaning, which is
 * tried before it is shown. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/address.h"
#include "lib/match/regexlist.h"
#include "lib/rules/regex_check_private.h"

#define PROPOSED "; write "

/* Return whether each label of a domain has a character. */
static bool has_whole_labels(const char *domain)
{
	return domain[0] != '\0' && domain[0] != '.' && strstr(domain, "..") == NULL &&
		domain[strlen(domain) - 1] != '.';
}

/* Return whether a text can be what regexes of this kind are matched against. */
static bool is_subject(enum regex_subject subject, const char *text)
{
	static const char of_clients[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_.:";
	struct mail_address address;

	if (subject == REGEX_ON_HELO)
		return true;
	if (subject == REGEX_ON_CLIENTS)
		return has_whole_labels(text) && text[strspn(text, of_clients)] == '\0';
	return address_parse(text, strlen(text), &address) == 0 &&
		strcasecmp(address.canon, text) == 0 &&
		(!address.has_domain || has_whole_labels(address_domain(&address)));
}

/* A regex that is tried. */
struct trial {
	enum regex_subject subject;
	bool anchored;
	struct regexlist *list;
	struct regex_scratch *scratch;
};

/* Return whether the regex matches the example, or one that contains it if it need not match all of
 * the subject. */
static bool matches_example(const struct trial *t, const char *example)
{
	static const char *const around[][2] = { { "", "" }, { "x", "" }, { "", "@x" },
		{ "x", "@x" }, { "x@x", "" }, { "", "x" }, { "x", "x" }, { "x@x", "x" },
		{ "x", "x]" } };
	const size_t count = t->anchored ? 1 : sizeof(around) / sizeof(around[0]);
	struct strbuf text = STRBUF_INIT;
	bool matches = false;
	uint32_t value;

	for (size_t i = 0; i < count && !matches; i++) {
		strbuf_reset(&text);
		strbuf_addf(&text, "%s%s%s", around[i][0], example, around[i][1]);
		matches = !text.failed && is_subject(t->subject, text.text) &&
			regexlist_match(t->list, t->scratch, text.text, text.len, &value) ==
				REGEX_YES;
	}
	strbuf_free(&text);
	return matches;
}

#define PLACES_MAX 8 /* wildcards that are tried */

/* Return whether the regex matches one of the examples. */
static bool matches_any(const struct trial *t, const struct strbuf *regex)
{
	static const char *const fillers[] = { "x", "x@x", "@x", "x@", "x]", "1" };
	struct strbuf example = STRBUF_INIT;
	bool matches = false;

	for (size_t i = 0; i < PLACES_MAX * sizeof(fillers) / sizeof(fillers[0]) && !matches; i++) {
		const struct regex_filler filler = { i % PLACES_MAX, fillers[i / PLACES_MAX] };

		strbuf_reset(&example);
		matches =
			regex_add_example(regex->text, regex->len, &filler, t->scratch, &example) &&
			matches_example(t, example.text);
	}
	strbuf_free(&example);
	return matches;
}

/* Return whether a regex can be compiled and matches an example of its subject. */
static bool can_be_used(enum regex_subject subject, bool anchored, const struct strbuf *regex)
{
	const struct trial t = { subject, anchored, regexlist_new(anchored),
		regex_scratch_new(NULL) };
	struct regexlist *list = t.list;
	struct regex_scratch *scratch = t.scratch;
	const bool can = list != NULL && scratch != NULL &&
		regexlist_add(list, regex->text, regex->len, 0, NULL) == REGEX_ADDED &&
		regexlist_finish(list, NULL, NULL) == 0 && matches_any(&t, regex);

	regexlist_unref(&list);
	regex_scratch_free(&scratch);
	return can;
}

void regex_propose(struct errmsg *text, enum regex_subject subject, bool anchored,
	const struct strbuf *right)
{
	const size_t len = text != NULL ? strlen(text->text) : 0;

	if (text == NULL || right->failed || right->len == 0 || right->len > REGEX_SHOWN_MAX ||
		len + strlen(PROPOSED) + right->len >= sizeof(text->text) ||
		!can_be_used(subject, anchored, right))
		return;
	(void)text_format(text->text + len, sizeof(text->text) - len, PROPOSED "%.*s",
		(int)right->len, right->text);
}

#define ROUNDS 4 /* repairs that one regex may need */

bool regex_settle(const struct regex_checked *c, bool check(const struct regex_checked *),
	struct strbuf *out)
{
	struct regex_checked next = *c;
	struct errmsg unused;

	next.fault = &unused;
	for (int round = 0; round < ROUNDS && c->right->len > 0 && !c->right->failed; round++) {
		strbuf_reset(out);
		strbuf_add(out, c->right->text, c->right->len);
		next.text = out->text;
		next.len = out->len;
		if (!out->failed && check(&next))
			return true;
	}
	return false;
}
