/*
 * Writes the remedy of a regex that can never match: a regex with its probable meaning, that may
 * match. Stateless; any thread may call it. Part of regex_check.c.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/regex_check_private.h"

#define PROPOSED "; write "

void regex_propose(struct errmsg *text, const struct strbuf *right)
{
	const size_t len = strlen(text->text);

	if (right->failed || right->len == 0 || right->len > REGEX_SHOWN_MAX ||
		len + strlen(PROPOSED) + right->len >= sizeof(text->text))
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
