/*
 * Finds the addresses that mail programs show if they take the names in a From field for parts of
 * its list. Stateless; any thread may call it.
 */
#include "lib/match/from_names.h"

#include <string.h>

#include "lib/match/encoded_word.h"
#include "lib/match/from_text.h"

/* The text that was read so far, and the word at its end. */
struct names {
	from_each_fn *each;
	void *context;
	char word[ADDRESS_MAX];
	size_t len;
	bool escaped; /* an odd number of backslashes precedes the next byte */
	bool quoted;  /* the next byte is in quotes */
	bool parted;  /* nothing, or a character that separates mailboxes, precedes the word */
	bool closed;  /* a comment, quoted string or encoded-word contains what precedes it */
	bool behind_address;
	bool ok;
};

/* Return whether nobody shows the word as an address. */
static bool is_harmless(const char *word, size_t len)
{
	const char *dot = memchr(word, '.', len);

	if (dot != NULL && (dot == word || dot < word + len - 1))
		return false;
	return !from_has_lookalike(word, len) && !from_is_routed_word(word, len) &&
		memmem(word, len, "=?", 2) == NULL; /* some readers decode twice */
}

static bool report_address(const struct names *n, const char *word, size_t len)
{
	const char *at = memchr(word, '@', len);
	struct mail_address address;

	if (at == word || at == word + len - 1 || memchr(word, '\\', len) != NULL ||
		memchr(at + 1, '@', (size_t)(word + len - at) - 1) != NULL ||
		address_parse(word, len, &address) < 0 || !address.has_domain || address.is_odd ||
		from_is_disguised(word, len))
		return false;
	return n->each(n->context, &address);
}

/* End the word. Readers may omit the white space beside an address, so that it must not be
 * preceded or followed by another word. */
static void end_word(struct names *n)
{
	const char *word = n->word, *end = n->word + n->len;
	bool is_address;

	if (n->len == 0)
		return;
	while (word < end && *word == '\'')
		word++;
	while (end > word && end[-1] == '\'')
		end--;
	is_address = memchr(word, '@', (size_t)(end - word)) != NULL;
	if ((!n->parted && (is_address || n->behind_address)) || (n->closed && is_address))
		n->ok = false; /* some see no separator in a comment, quotes or an encoded-word */
	else if (is_address)
		n->ok = n->ok && report_address(n, word, (size_t)(end - word));
	else
		n->ok = n->ok && is_harmless(word, (size_t)(end - word));
	n->behind_address = is_address;
	n->parted = false;
	n->len = 0;
}

static void add_byte(void *context, char c)
{
	struct names *n = context;
	const bool separates = c != '\0' && strchr(",;:<>", c) != NULL;
	const bool escaped = n->escaped;

	n->escaped = c == '\\' && !escaped;
	n->ok = n->ok && (!escaped || c == '"' || c == '\\');
	if (separates || (c != '\0' && strchr(" \t\r\n\"()", c) != NULL)) {
		end_word(n);
		n->parted |= separates;
		n->quoted ^= c == '"' && !escaped;
		n->closed = (n->closed && !separates) || c == ')' || (c == '"' && !n->quoted);
	} else if ((unsigned char)c < ' ' || c == 0x7f || strchr("[]", c) != NULL ||
		n->len == sizeof(n->word)) {
		n->ok = false;
	} else {
		n->word[n->len++] = c;
	}
}

/* Add what the encoded-word at p decodes to; one of a charset that is not decoded counts as a word.
 * Returns its end, or NULL if it may be anything. */
static const char *add_encoded(struct names *n, const char *p, const char *end)
{
	const char *behind = encoded_word_decode(p, end, add_byte, n);
	struct encoded_signs signs;

	if (behind != NULL || (behind = encoded_word_end(p, end)) == NULL)
		return behind;
	signs = encoded_words_signs(p, (size_t)(behind - p));
	add_byte(n, 'x');
	return signs.at || signs.strange ? NULL : behind;
}

bool from_names_parse(const char *value, size_t len, from_each_fn *each, void *context)
{
	struct names n = { .each = each, .context = context, .parted = true, .ok = true };
	const char *p = value, *end = value + len;

	while (n.ok && p < end) {
		if (end - p < 2 || p[0] != '=' || p[1] != '?') {
			add_byte(&n, *p++);
			continue;
		}
		end_word(&n);
		if ((p = add_encoded(&n, p, end)) == NULL)
			return false;
		end_word(&n);
		n.closed = true;
	}
	end_word(&n);
	return n.ok;
}
