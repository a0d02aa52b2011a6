/*
 * Finds parts of regexes that mean something else in other dialects, and characters that nobody
 * sees. Stateless; any thread may call it. t/unit/test_regex_check.c covers it.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/hidden_text.h"
#include "lib/rules/regex_check.h"

#define SHOWN_MAX 120 /* bytes of a regex in a message */

/* Return the form of [:NAME:] at text in JavaScript's dialect, for a place in a class; NULL if it
 * has none. */
static const char *posix_class(const char *text, size_t len)
{
	static const char *const classes[][2] = { { "[:alnum:]", "a-z0-9" }, { "[:alpha:]", "a-z" },
		{ "[:blank:]", " \\t" }, { "[:cntrl:]", "\\x00-\\x1f" }, { "[:digit:]", "0-9" },
		{ "[:graph:]", "!-~" }, { "[:lower:]", "a-z" }, { "[:print:]", " -~" },
		{ "[:punct:]", "!-\\/:-@[-`{-~" }, { "[:space:]", "\\s" }, { "[:upper:]", "a-z" },
		{ "[:word:]", "\\w" }, { "[:xdigit:]", "0-9a-f" } };
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i][0]) <= len &&
			memcmp(text, classes[i][0], strlen(classes[i][0])) == 0)
			return classes[i][1];
	}
	return NULL;
}

/* Return whether a regex contains a character that nobody sees. */
static bool has_hidden(const char *text, size_t len, struct errmsg *note)
{
	uint32_t c;

	if (!hidden_find(text, len, &c))
		return false;
	(void)errmsg_set(note,
		"\"%.*s\" contains %sU+%04" PRIX32 "%s; write %s%04" PRIx32 " if it is meant",
		TEXT_CUT_LEN(text, len, SHOWN_MAX),
		hidden_is_space(c) ? "white space (" : "the invisible character ", c,
		hidden_is_space(c) ? ")" : "", c > 0xffff ? "a class for U+" : "\\u", c);
	return true;
}

bool regex_is_doubtful(const char *text, size_t len, struct errmsg *note)
{
	const char *right;
	size_t i;

	if (has_hidden(text, len, note))
		return true;
	for (i = 0; i + 1 < len; i++) {
		if (text[i] == '[' && (right = posix_class(text + i, len - i)) != NULL) {
			(void)errmsg_set(note,
				"\"%.*s\" contains %.*s, which is not a class in JavaScript's dialect; "
				"write %s in the brackets",
				TEXT_CUT_LEN(text, len, SHOWN_MAX),
				TEXT_CUT_LEN(text + i, strcspn(text + i, "]") + 1, 12), right);
			return true;
		}
		if (text[i] != '\\')
			continue;
		i++;
		if (strchr("AZzGQEhHRXK", text[i]) != NULL) {
			(void)errmsg_set(note,
				"\"%.*s\" contains \\%c, which matches %c alone in JavaScript's dialect",
				TEXT_CUT_LEN(text, len, SHOWN_MAX), text[i], text[i]);
			return true;
		}
	}
	return false;
}
