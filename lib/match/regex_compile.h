#ifndef POSTERN_REGEX_COMPILE_H
#define POSTERN_REGEX_COMPILE_H

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif

#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * A regex of JavaScript's dialect on its way to PCRE2. Initialize it to REGEX_FORMS_INIT, and use
 * it for one regex after another. Part of regexlist.c.
 */
struct regex_forms {
	struct strbuf plain;   /* in PCRE2's dialect */
	struct strbuf guarded; /* the same with callouts */
	uint64_t cost;	       /* of the guarded form: regex_cost_find() */
};

#define REGEX_FORMS_INIT                    \
	{                                   \
		STRBUF_INIT, STRBUF_INIT, 0 \
	}

/* How a regex is compiled. */
struct regex_mode {
	bool anchored; /* it must match the whole subject */
	bool lines;    /* for subjects with a line terminator */
};

/* Translate a regex and determine its cost. If that is certain to exceed max bytes, it is
 * REGEX_COST_MAX, and the forms are not complete. Returns 0, or -1 when out of memory. */
int regex_forms_make(struct regex_forms *forms, const char *regex, size_t len,
	struct regex_mode mode, uint64_t max);
void regex_forms_free(struct regex_forms *forms);

/*
 * Compile the forms of a regex. The caller owns *code_r. err may be NULL. This takes a time that is
 * proportional to the cost. REGEX_COMPILED_SPARSELY: the regex has few callouts
 * (regex_guard_sparsely()), so that it needs a lower match limit.
 */
enum regex_compiled {
	REGEX_COMPILED,
	REGEX_COMPILED_SPARSELY,
	REGEX_IS_REFUSED,
	REGEX_NO_MEMORY,
};

enum regex_compiled regex_compile(struct regex_forms *forms, const char *regex, size_t len,
	struct regex_mode mode, pcre2_code **code_r, struct errmsg *err);

/* Return whether PCRE2 can compile regexes to machine code in this process. */
bool regex_compile_is_fast(void);

#endif
