/*
 * Finds the comments of address fields, and what makes mail programs see their ends in different
 * places. Stateless; any thread may call it.
 */
#include "lib/match/from_comments.h"

#include <string.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_text.h"

const char *from_comment_end(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		else if (*p == '\\')
			p++;
	}
	return NULL;
}

/* Return the end of what begins at p, in a comment, and hides parentheses from some readers: a
 * quoted string, a bracket or an encoded-word. Returns p if nothing does, and NULL if it has no
 * end. */
static const char *shield_end(const char *p, const char *end)
{
	const char closing = *p == '[' ? ']' : '"';

	if (end - p > 1 && p[0] == '=' && p[1] == '?')
		return encoded_word_end(p, end);
	if (*p != '"' && *p != '[')
		return p;
	for (p++; p < end; p++) {
		if (*p == closing)
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/* Return whether the backslash at p, in a text, may be the second byte of a character, so that some
 * readers see no escape: those that decode the field first. */
static bool may_be_second_byte(const char *p, const char *text)
{
	return p > text && (unsigned char)p[-1] >= 0x80;
}

/*
 * Return whether parentheses in the comment are within a quoted string, a bracket or an
 * encoded-word, in which some readers look for none, or behind a backslash that some do not take
 * for an escape. Sets *open_r to the first character of such a thing that does not end.
 */
static bool hides_parentheses(const char *text, const char *end, char *open_r)
{
	const bool has_some = from_has_any(text, end, "()");
	const char *p, *behind;

	for (p = text; p < end; p++) {
		if (*p == '\\') {
			if (++p < end && strchr("()\"[]", *p) != NULL &&
				may_be_second_byte(p - 1, text))
				return true;
			if (p < end && *p == '"' && has_some)
				return true; /* to some, it is a quote */
			continue;
		}
		if ((behind = shield_end(p, end)) == p)
			continue;
		if (from_has_any(p, behind == NULL ? end : behind, "()"))
			return true;
		if (behind == NULL) {
			*open_r = *p;
			return false;
		}
		p = behind - 1;
	}
	return false;
}

/*
 * Return whether readers differ about where a comment ends, so that some see an address in it or
 * miss one after it. For some, the first closing parenthesis ends it, even if it is nested or
 * escaped. Some look for no parenthesis in quotes, brackets and encoded-words, and some remove
 * control characters first. Others read an address between special characters even in a comment.
 */
static bool is_ambiguous(const char *text, const char *end, char *open_r)
{
	const char *p = memchr(text, ')', (size_t)(end - text));

	if (p != NULL && memchr(p, '<', (size_t)(end - p)) != NULL)
		return true;
	if (memchr(text, '@', (size_t)(end - text)) != NULL &&
		from_has_any(text, end, "<>,;:\"\\[]()"))
		return true;
	if (p != NULL && from_has_any(text, end, "<,;") &&
		plain_text_signs(text, (size_t)(end - text)).strange)
		return true;
	return from_has_control(text, end) || hides_parentheses(text, end, open_r);
}

struct from_comment from_comment_read(const char *text, const char *end)
{
	const size_t len = (size_t)(end - text);
	struct from_comment c = { .open = '\0' };

	c.odd = is_ambiguous(text, end, &c.open);
	c.sloppy = c.open != '\0' || from_has_any(text, end, "<(),;"); /* , and ;: Horde */
	c.hides = memchr(text, '@', len) != NULL || from_has_wide_at(text, len);
	c.strange = plain_text_signs(text, len).strange;
	return c;
}

bool from_comments_tell(const char *text, const char *end)
{
	const size_t len = (size_t)(end - text);
	const struct encoded_signs encoded = encoded_words_signs(text, len);

	return encoded.at || encoded.strange || from_has_any(text, end, "@<") ||
		plain_text_signs(text, len).strange;
}
