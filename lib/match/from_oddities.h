#ifndef POSTERN_FROM_ODDITIES_H
#define POSTERN_FROM_ODDITIES_H

#include <stddef.h>

/*
 * Count the ways in which the value of an address field differs from what mail programs write. Mail
 * programs agree about nearly every field that is odd in one way. A field that makes one of them
 * show another author needs two: something that it shows, and something that it reads wrongly.
 *
 * Several oddities of one kind count once. The kinds are:
 * - an @ or what resembles one, or a <, in a quoted string, comment or encoded-word;
 * - a ! or % within a word of a name;
 * - a special character, a parenthesis or an encoded-word in a comment; the same in another one;
 * - a comment or white space within angle brackets;
 * - a backslash, except for pairs of escaped quotes in a quoted string;
 * - a group, or a colon elsewhere;
 * - a semicolon outside of a group, or an empty element;
 * - an angle bracket too many or too few, an @ before one, or words behind one;
 * - a comma in a name;
 * - a quoted string, comment or encoded-word directly beside a word;
 * - a square bracket in a name;
 * - a quoted local part;
 * - an encoded-word that has no end, contains another one or a special character, or decodes to
 *   half of a pair; the same in a quoted string;
 * - control characters, or a special character that may be the second byte of another one.
 *
 * The time is linear in len. Allocates nothing; thread-safe.
 */
unsigned from_oddities(const char *value, size_t len);

#endif
