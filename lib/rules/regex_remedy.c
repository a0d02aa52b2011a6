/*
 * Writes the remedy of a regex that can never match: a regex with its probable meaning, which is
 * tried before it is shown. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"
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
	const char *at = strrchr(text, '@');
	struct mail_address address;

	if (subject == REGEX_ON_HELO)
		return true;
	if (subject == REGEX_ON_CLIENTS)
		return has_whole_labels(text) && text[strspn(text, of_clients)] == '\0';
	/* Domains are matched in their ASCII form; to convert another one takes long. */
	return (at == NULL || ascii_is_all(at, strlen(at))) &&
		address_parse(text, strlen(text), &address) == 0 &&
		strcasecmp(address.canon, text) == 0 &&
		(!address.has_domain || has_whole_labels(address_domain(&address)));
}

/*
 * The bounds of a trial, in matches and in steps of each. Whoever writes a list chooses the regex,
 * and many trials must not delay a load.
 */
#define MATCHES_MAX 60
#define STEPS_MAX 300

/* A regex that is tried. */
struct trial {
	enum regex_subject subject;
	bool anchored;
	struct regexlist *list;
	struct regex_maker maker;
	unsigned matches; /* so far */
};

/* Return whether the regex matches a text that can be its subject. */
static bool matches_subject(struct trial *t, const char *text, size_t len)
{
	uint32_t value;

	t->matches++;
	switch (regexlist_match(t->list, t->maker.scratch, text, len, &value)) {
	case REGEX_YES:
		return is_subject(t->subject, text);
	case REGEX_FAILED:
		t->matches = MATCHES_MAX; /* it is too slow */
		break;
	case REGEX_NO:
		break;
	}
	return false;
}

/* Return whether the regex matches the example, or one that contains it if it need not match all of
 * the subject. */
static bool matches_example(struct trial *t, const char *example)
{
	static const char *const around[][2] = { { "", "" }, { "x", "" }, { "", "@x" },
		{ "x", "@x" }, { "x@x", "" }, { "", "x" }, { "x", "x" }, { "x@x", "x" },
		{ "x", "x]" } };
	const size_t count = t->anchored ? 1 : sizeof(around) / sizeof(around[0]);
	struct strbuf text = STRBUF_INIT;
	bool matches = false;

	for (size_t i = 0; i < count && !matches && t->matches < MATCHES_MAX; i++) {
		strbuf_reset(&text);
		strbuf_addf(&text, "%s%s%s", around[i][0], example, around[i][1]);
		matches = !text.failed && matches_subject(t, text.text, text.len);
	}
	strbuf_free(&text);
	return matches;
}

#define PLACES_MAX 8 /* wildcards that are tried */

/* Return whether the regex matches one of the examples. */
static bool matches_any(struct trial *t, const struct strbuf *regex)
{
	static const char *const fillers[] = { "x@x", "@x", "x@", "x]", "1" };
	const size_t count = PLACES_MAX * sizeof(fillers) / sizeof(fillers[0]);
	struct regex_filler filler = { 0, "x" };
	struct strbuf example = STRBUF_INIT;
	bool is_known = regex_add_example(regex->text, regex->len, &filler, &t->maker, &example);
	bool matches = is_known && matches_example(t, example.text);

	for (size_t i = 0; i < count && is_known && !matches && t->matches < MATCHES_MAX; i++) {
		filler = (struct regex_filler){ i % PLACES_MAX, fillers[i / PLACES_MAX] };
		strbuf_reset(&example);
		matches =
			regex_add_example(regex->text, regex->len, &filler, &t->maker, &example) &&
			matches_example(t, example.text);
	}
	strbuf_free(&example);
	return matches;
}

/* Return whether a regex can be compiled and matches an example of its subject. */
static bool can_be_used(enum regex_subject subject, bool anchored, const struct strbuf *regex)
{
	struct trial t = {
		.subject = subject,
		.anchored = anchored,
		.list = regexlist_new(anchored),
		.maker.scratch = regex_scratch_new(NULL),
	};
	bool can = false;

	if (t.list != NULL && t.maker.scratch != NULL) {
		regex_scratch_limit(t.maker.scratch, STEPS_MAX);
		can = regexlist_add(t.list, regex->text, regex->len, 0, NULL) == REGEX_ADDED &&
			regexlist_finish(t.list, NULL, NULL) == 0 && matches_any(&t, regex);
	}
	regexlist_unref(&t.list);
	regex_scratch_free(&t.maker.scratch);
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
