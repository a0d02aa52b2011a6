#ifndef POSTERN_REGEX_CLASS_H
#define POSTERN_REGEX_CLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

#define REGEX_MAX_CODE 0x10ffffU
#define REGEX_CLASS_WORD 64 /* bits */

/*
 * The set of characters of a class in a regex. Its members are private; regex_class_free() ends it.
 * Memory that runs out is noted in its buffer and passed on by regex_class_append(). Part of
 * regex_dialect.c.
 */
struct regex_class {
	uint64_t words[0x10000 / REGEX_CLASS_WORD]; /* a bit for each character up to U+FFFF */
	uint32_t low, high; /* the first and the last of these that is a member */
	struct strbuf past; /* ranges past U+FFFF, in PCRE2's form */
	bool all_past;
};

#define REGEX_CLASS_INIT                            \
	{                                           \
		.low = 0x10000, .past = STRBUF_INIT \
	}

/* Add the characters from first to last, at most REGEX_MAX_CODE. */
void regex_class_add(struct regex_class *class, uint32_t first, uint32_t last);

/* Add the characters of \d, \w, \s (in JavaScript's sense) or those that \D, \W, \S match. */
void regex_class_add_set(struct regex_class *class, char set);

/* Append the class to out in PCRE2's form, with its members folded by regex_case_fold(). */
void regex_class_append(struct strbuf *out, struct regex_class *class, bool negated);

/* Append one character as it is written in a class or outside of one, escaped where necessary. */
void regex_class_append_code(struct strbuf *out, uint32_t c);

/* Append a number as strbuf_addf() does with "%x", which takes ten times as long. */
void regex_class_append_hex(struct strbuf *out, uint32_t c);

void regex_class_free(struct regex_class *class);

#endif
