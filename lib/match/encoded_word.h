#ifndef POSTERN_ENCODED_WORD_H
#define POSTERN_ENCODED_WORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the encoded-words (RFC 2047) in a text may decode to. All are true if a charset is not
 * known to write ASCII as ASCII, or if one of the words is incomplete or contains another one.
 */
struct encoded_signs {
	bool at;      /* also true for U+FF20 and U+FE6B in UTF-8 */
	bool strange; /* a dot before a character other than a space, as in a domain; a ! or %
			 within a word; or a character that is like an @ or a dot (UTS 46) */
	bool edge;    /* one of them begins or ends with a dot, ! or % */
	bool open;    /* one of them has a backslash, or a quote or parenthesis without its other
			 half */
};

/* Text of two bytes for a character, as in ISO-2022-JP, is taken for what it stands for, except
 * that any byte may be an @. Allocates nothing; thread-safe. */
struct encoded_signs encoded_words_signs(const char *text, size_t len);

typedef void encoded_byte_fn(void *context, char byte);

/* Call each() for every byte that the encoded-word at p, which begins with "=?", decodes to.
 * Returns its end, or NULL without a call if it is none, or if its charset is unknown or one in
 * which a byte of ASCII may be part of another character. Thread-safe. */
const char *encoded_word_decode(const char *p, const char *end, encoded_byte_fn *each,
	void *context);

/* Return the end of the encoded-word at p, which begins with "=?", or NULL if it is none. It may
 * contain any character but "?", as some readers do not look for others. Thread-safe. */
const char *encoded_word_end(const char *p, const char *end);

#endif
