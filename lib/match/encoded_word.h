#ifndef POSTERN_ENCODED_WORD_H
#define POSTERN_ENCODED_WORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the encoded-words (RFC 2047) in a text may decode to. All are true if a charset is not
 * known to write ASCII as ASCII, or if one of the words is incomplete or contains another one.
 */
struct encoded_signs {
	bool at; /* also true for U+FF20 and U+FE6B in UTF-8, and for an encoded-word within one,
		    which Python decodes, too */
	bool strange; /* a dot before a character other than a space, as in a domain; a ! or %
			 within a word; or a character that is like an @ or a dot (UTS 46) */
	bool edge;    /* one of them begins or ends with a dot, ! or % */
	bool open;    /* one of them has a backslash, or a quote or parenthesis without its other
			 half; or, before its end or a special character, a byte that some decoders
			 take for half a character */
	bool foreign; /* the charset of one is neither UTF-8 nor ASCII */
};

/* Return whether a charset of this name is known to write ASCII as ASCII, unless there are escape
 * sequences. Thread-safe. */
bool charset_keeps_ascii(const char *name, size_t len);

/* The characters of two bytes of ISO-2022-JP are taken for what they stand for. In other charsets,
 * any byte may be an @, because some readers show the second byte of a character that they do not
 * know. Allocates nothing; thread-safe. */
struct encoded_signs encoded_words_signs(const char *text, size_t len);

typedef void encoded_byte_fn(void *context, char byte);

/* Call each() for every byte that the encoded-word at p, which begins with "=?", decodes to; 0xff
 * replaces one that is not ASCII in a charset of several bytes for a character. Returns the end of
 * the word, or NULL, perhaps after some calls, if it is none, or if decoders differ about it: its
 * charset is unknown; it has characters or lengths that its encoding does not have, line ends, or
 * escape sequences other than those of RFC 1468; or its last character is not complete, so that a
 * reader may take what is behind the word for a part of it. Thread-safe. */
const char *encoded_word_decode(const char *p, const char *end, encoded_byte_fn *each,
	void *context);

/* Return the end of the encoded-word at p, which begins with "=?", or NULL if it is none. It may
 * contain any character but "?", as some readers do not look for others. Thread-safe. */
const char *encoded_word_end(const char *p, const char *end);

#endif
