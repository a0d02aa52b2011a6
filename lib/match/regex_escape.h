#ifndef POSTERN_REGEX_ESCAPE_H
#define POSTERN_REGEX_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

/*
 * The characters of a regex in JavaScript's dialect, from p to end, which is after p. Each function
 * returns the position after what it read. Part of regex_dialect.c. Thread-safe.
 */

/* Read the character at p, which may be an invalid byte: *c_r is then above REGEX_MAX_CODE. */
const char *regex_escape_read_char(const char *p, const char *end, uint32_t *c_r);

/* Read an escape that stands for one character; p is after the backslash. A control letter of a
 * class may also be a digit or an underscore. */
const char *regex_escape_read(const char *p, const char *end, bool in_class, uint32_t *c_r);

/* Read "<name>" at p, which may be end, into name: the numbers of its characters in hexadecimal, so
 * that equal names become equal texts. Returns NULL if there is no name, which must be an
 * identifier of JavaScript (regex_identifier.h). */
const char *regex_escape_read_name(const char *p, const char *end, struct strbuf *name);

#endif
