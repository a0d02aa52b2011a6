#ifndef POSTERN_ENCODED_WORD_H
#define POSTERN_ENCODED_WORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether an encoded-word (RFC 2047) in the text may decode to a text with an @. The answer is true
 * if one does, if its charset is not known to write ASCII as ASCII, or if one is incomplete.
 * Allocates nothing; thread-safe.
 */
bool encoded_words_may_hide_at(const char *text, size_t len);

/* Return the end of the encoded-word at p, which begins with "=?", or NULL if it is none. It may
 * contain any character but "?", as some readers do not look for others. Thread-safe. */
const char *encoded_word_end(const char *p, const char *end);

#endif
