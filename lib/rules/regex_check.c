/*
 * Finds regexes that can never match: those in the form of another program's table
 * (regex_foreign.c), and those that require a character that no subject contains. Stateless; any
 * thread may call it.
 */
#include "lib/rules/regex_check.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check_private.h"
#include "lib/rules/regex_foreign.h"

/* Return whether the text has the form of another program's list. */
static bool is_foreign(const struct regex_checked *c)
{
	struct strbuf right = STRBUF_INIT;
	struct errmsg reason;
	bool foreign = regex_is_foreign(c->text, c->len, c->anchored, &reason, &right);

	if (foreign)
		(void)regex_fail(c, reason.text, &right);
	strbuf_free(&right);
	return foreign;
}

static bool check_regex(const struct regex_checked *c)
{
	struct regex_alternatives all = { .right = STRBUF_INIT };
	const struct regex_checked inner = regex_without_group(c);
	char reason[sizeof(all.fault.text) + 50];

	if (is_foreign(c))
		return false;
	if (!regex_has_alternatives(inner.text, inner.len))
		return regex_check_one(&inner);
	regex_alternatives_check(&inner, true, &all);
	if (!all.may_match) {
		(void)text_format(reason, sizeof(reason), "has no alternative that can match: %s",
			all.fault.text);
		(void)regex_fail(c, reason, all.is_whole ? &all.right : NULL);
	}
	strbuf_free(&all.right);
	return all.may_match;
}

/* Add the remedy to the fault: the probable meaning of the regex. */
static void add_remedy(const struct regex_checked *c)
{
	struct strbuf text = STRBUF_INIT;
	const struct errmsg fault = *c->fault;

	if (regex_settle(c, check_regex, &text)) {
		*c->fault = fault;
		regex_propose(c->fault, c->subject, c->anchored, &text);
	}
	strbuf_free(&text);
}

bool regex_check(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *fault)
{
	struct strbuf right = STRBUF_INIT;
	const struct regex_checked c = {
		.subject = subject,
		.anchored = anchored,
		.text = text,
		.len = len,
		.fault = fault,
		.right = &right,
	};
	size_t valid = utf8_valid_len(text, len);
	bool fits;

	if (valid < len) {
		(void)errmsg_set(fault, "\"%.*s\" contains the byte 0x%02x, which is not UTF-8",
			TEXT_CUT_LEN(text, len, REGEX_SHOWN_MAX), (unsigned char)text[valid]);
		return false;
	}
	fits = check_regex(&c);
	if (!fits && fault != NULL)
		add_remedy(&c);
	strbuf_free(&right);
	return fits;
}
