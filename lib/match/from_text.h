#ifndef POSTERN_FROM_TEXT_H
#define POSTERN_FROM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Predicates about texts of an address field. Part of from_grammar.c. All take linear time and are
 * thread-safe. */

/* Return whether the text contains a character that is like an @ (U+FF20, U+FE6B). */
bool from_has_wide_at(const char *text, size_t len);

/* Return whether the text contains a character that is like a dot (UTS 46: U+3002, U+FF0E, U+FF61).
 */
bool from_has_wide_dot(const char *text, size_t len);

/* Return whether one of the words resembles an address although it has no @: it has a dot within
 * ("bank.example"), unless it is an abbreviation ("Ph.D."), a ! or % within ("bank!ceo"), or a
 * character that is like a dot (UTS 46). */
bool from_has_telling_word(const char *text, size_t len);

/* Return whether the text contains something forbidden in an address: control characters, invisible
 * ones, a wide @, or the beginning of an encoded-word, which some readers decode. */
bool from_is_disguised(const char *text, size_t len);

/* Return whether any of the characters is in the text. */
bool from_has_any(const char *text, size_t len, const char *characters);

/* Return whether the text contains a control character other than white space, or a line end of
 * Unicode. */
bool from_has_control(const char *text, size_t len);

#endif
