/*
 * Decodes the names and comments of From fields, and finds what mail programs could take for an
 * author in them. Stateless; any thread may call it.
 */
#include "lib/match/from_shown.h"

#include <string.h>
#include <strings.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_address.h"
#include "lib/match/from_text.h"

void from_shown_clear(struct from_shown *s)
{
	s->len = 0;
	s->at = s->telling = s->open = s->foreign = s->is_cut = false;
}

static void add_byte(void *context, char c)
{
	struct from_shown *s = context;

	if (c == '\r' || c == '\n')
		c = ' ';
	if (s->len < sizeof(s->text))
		s->text[s->len++] = c;
	else
		s->is_cut = true;
}

void from_shown_add(struct from_shown *s, const char *text, size_t len)
{
	while (len-- > 0)
		add_byte(s, *text++);
}

const char *from_shown_encoded(struct from_shown *s, const char *text, const char *end)
{
	const char *behind = encoded_word_end(text, end);
	struct encoded_signs signs;
	size_t len;

	if (behind == NULL)
		return NULL;
	len = (size_t)(behind - text);
	if (len > FROM_WORD_LONGEST || from_has_any(text, len, " \t\r\n()<>[]:;@,\"\\") ||
		memmem(text + 2, len - 4, "=?", 2) != NULL)
		return NULL;
	if (encoded_word_decode(text, behind, add_byte, s) == NULL)
		return NULL;
	signs = encoded_words_signs(text, len);
	s->at |= signs.at;
	s->telling |= signs.strange || signs.edge;
	s->open |= signs.open;
	s->foreign |= signs.foreign;
	return behind;
}

bool from_shown_text(struct from_shown *s, const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		if (end - p > 1 && p[0] == '=' && p[1] == '?') {
			if (p > text && strchr(" \t\n", p[-1]) == NULL)
				return false;
			p = from_shown_encoded(s, p, end);
			if (p == NULL || (p < end && strchr(" \t\r\n,", *p) == NULL))
				return false;
		} else {
			p += *p == '\\' && end - p > 1;
			add_byte(s, *p++);
		}
	}
	return true;
}

bool from_shown_has_at(const struct from_shown *s)
{
	return s->at || from_has_any(s->text, s->len, "@<>") || from_has_wide_at(s->text, s->len);
}

bool from_shown_is_telling(const struct from_shown *s)
{
	return s->telling || from_has_telling_word(s->text, s->len);
}

/* Return whether the name is the address, also in single quotes, or ends with it in brackets, and
 * shows nothing else of the kind. */
static bool is_own_name(const struct from_shown *s, const struct mail_address *address)
{
	const char *text = s->text, *end = text + s->len;
	const size_t len = address->text_len;
	bool has_brackets;

	if (s->len > 1 && *text == '\'' && end[-1] == '\'') {
		text++;
		end--;
	}
	has_brackets = end > text && end[-1] == '>';
	end -= has_brackets;
	if ((size_t)(end - text) < len + has_brackets ||
		strncasecmp(end - len, address->text, len) != 0)
		return false;
	end -= len;
	if (!has_brackets)
		return end == text;
	if (*--end != '<' || (end > text && end[-1] != ' '))
		return false;
	return !from_has_any(text, (size_t)(end - text), "@<>[]:\"\\()") &&
		!from_has_wide_at(text, (size_t)(end - text)) &&
		!from_has_telling_word(text, (size_t)(end - text));
}

/* Return whether the text has the form of a name, with one comma at most, or with parentheses that
 * form pairs, or with one pair of angle brackets at its end. */
static bool is_safe_name(const char *text, size_t len)
{
	const bool has_angle = memchr(text, '<', len) != NULL;
	size_t i, commas = 0, depth = 0;

	for (i = 0; i < len; i++) {
		if (strchr("[];:\"\\", text[i]) != NULL || (text[i] == ')' && depth == 0) ||
			(text[i] == ',' && commas++ > 0) ||
			(has_angle &&
				(strchr("(),", text[i]) != NULL ||
					(text[i] == '>' && i + 1 < len))))
			return false;
		depth += text[i] == '(';
		depth -= text[i] == ')';
	}
	return depth == 0 &&
		(!has_angle ||
			(text[len - 1] == '>' &&
				memchr(text, '<', len) == memrchr(text, '<', len)));
}

bool from_shown_is_safe(const struct from_shown *s, const struct mail_address *address)
{
	return address != NULL &&
		(is_own_name(s, address) ||
			(from_address_is_usual(address) && is_safe_name(s->text, s->len)));
}
