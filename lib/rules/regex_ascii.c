/*
 * Writes a regex of domains with a label outside of ASCII in the form in which domains are matched.
 * Stateless; any thread may call it. Part of regex_check.c.
 */
#include <ctype.h>
#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/regex_check_private.h"

static bool is_of_label(char c)
{
	return isalnum((unsigned char)c) || c == '-' || regex_is_wide(c);
}

/* Return whether a label of a domain can begin at this place of a regex. */
static bool begins_label(const char *text, const char *at)
{
	return at == text || strchr("@.^", at[-1]) != NULL ||
		(at - text >= 4 && memcmp(at - 4, "\\.)", 3) == 0 && strchr("?*", at[-1]) != NULL);
}

bool regex_add_ascii_form(const struct regex_checked *c, const char *wide, struct strbuf *out)
{
	const char *begin = wide, *end = wide, *limit = c->text + c->len;
	char label[DOMAIN_SIZE];
	int len;

	while (begin > c->text && is_of_label(begin[-1]))
		begin--;
	while (end < limit && is_of_label(*end))
		end++;
	if (!begins_label(c->text, begin) ||
		!(end == limit || *end == '.' || *end == '$' ||
			(limit - end > 1 && end[0] == '\\' && end[1] == '.')) ||
		(len = domain_canon(begin, (size_t)(end - begin), label)) < 0)
		return false;
	for (int i = 0; i < len; i++)
		if (regex_is_wide(label[i]))
			return false;
	strbuf_add(out, c->text, (size_t)(begin - c->text));
	strbuf_add(out, label, (size_t)len);
	strbuf_add(out, end, (size_t)(limit - end));
	return true;
}
