#ifndef POSTERN_REGEX_SHARED_H
#define POSTERN_REGEX_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/regex_compile.h"
#include "lib/match/regex_literal.h"
#include "lib/match/regexlist.h"

/*
 * A compiled regex, which any number of lists may contain. Reference-counted. Its answers never
 * change; `fast` and `lines` are set later, once and atomically. Part of regexlist.c.
 */
struct shared_regex {
	unsigned refs;
	bool anchored;
	bool has_lines; /* it has another form for subjects with a line terminator */
	bool is_sparse; /* it has few callouts, perhaps only in one of its forms */
	pcre2_code *code;
	pcre2_code *fast;  /* atomic: a copy with machine code; NULL: not prepared, or too large */
	pcre2_code *lines; /* atomic: that other form; NULL: not yet needed */
	char *text;	   /* in JavaScript's dialect */
	size_t len;	   /* bytes of it */
	uint64_t cost;	   /* regex_cost_find(), with callouts */
	struct regex_literals *literals; /* by which the prefilter can find it; NULL: none */
	struct regex_marks marks;	 /* of each subject that it matches */
};

/*
 * Compile a regex. On REGEX_ADDED, *regex_r is one reference; otherwise err is set. *bytes_r: what
 * this cost, as regexlist_bytes() counts it. Any thread.
 */
enum regex_added shared_regex_new(const char *regex, size_t len, bool anchored,
	struct shared_regex **regex_r, uint64_t *bytes_r, struct errmsg *err);
struct shared_regex *shared_regex_ref(struct shared_regex *regex);
void shared_regex_unref(struct shared_regex **regex); /* accepts NULL */

/* Compile it to machine code, unless that was done. If that fails, the interpreter continues to run
 * it. Any thread. */
void shared_regex_speed_up(struct shared_regex *regex);

/* Return whether it has machine code. Any thread. */
bool shared_regex_is_fast(const struct shared_regex *regex);

/* Return the memory of its forms and its text. Any thread. */
size_t shared_regex_bytes(const struct shared_regex *regex);

/* Return the form for subjects with a line terminator, which is compiled when it is first needed,
 * and not to machine code. NULL when out of memory. Any thread. */
const pcre2_code *shared_regex_lines(struct shared_regex *regex);

/* Find the regex of this text, or return NULL. */
struct shared_regex *regex_pool_find(const struct regex_pool *pool, const char *regex, size_t len,
	bool anchored);

/* Let the pool refer to a regex. Returns 0, or -1 when out of memory. */
int regex_pool_keep(struct regex_pool *pool, struct shared_regex *regex);

#endif
