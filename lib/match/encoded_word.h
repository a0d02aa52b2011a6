#ifndef POSTERN_ENCODED_WORD_H
#define POSTERN_ENCODED_WORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the encoded-words (RFC 2047) in a text may decode to. Both are true if a charset is not
 * known to write ASCII as ASCII, or if one of the words is incomplete.
 */
struct encoded_signs {
	bool at;
	bool dot; /* before a character other than a space, as in a domain */
};

/* Allocates nothing; thread-safe. */
struct encoded_signs encoded_words_signs(const char *text, size_t len);

/* Return the end of the encoded-word at p, which begins with "=?", or NULL if it is none. It may
 * contain any character but "?", as some readers do not look for others. Thread-safe. */
const char *encoded_word_end(const char *p, const char *end);

#endif
