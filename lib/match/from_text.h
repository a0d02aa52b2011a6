#ifndef POSTERN_FROM_TEXT_H
#define POSTERN_FROM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Predicates about words of an address field. Part of from_header.c. All are thread-safe. */

/* Return whether the text contains a character that is like an @ (U+FF20, U+FE6B). */
bool from_has_wide_at(const char *text, size_t len);

/* Return whether the text contains a character that is like an @ or a dot (UTS 46). */
bool from_has_lookalike(const char *text, size_t len);

/* Return whether a ! or % is within the word: old readers take "bank!ceo" for an address. */
bool from_is_routed_word(const char *text, size_t len);

/* Return whether the text contains something forbidden in an address: control characters, invisible
 * ones, a wide @, or an encoded-word, which some readers decode. */
bool from_is_disguised(const char *text, size_t len);

/* Return whether any of the characters is in the text. */
bool from_has_any(const char *text, const char *end, const char *characters);

/* Return whether a control character other than tabs and line ends is in the text. */
bool from_has_control(const char *text, const char *end);

#endif
