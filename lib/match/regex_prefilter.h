#ifndef POSTERN_REGEX_PREFILTER_H
#define POSTERN_REGEX_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Determines in one pass which of many regexes can match a subject (hyperscan's prefilter mode:
 * never too few, maybe too many). Only regexes of a plain syntax, which PCRE2 and hyperscan read
 * alike, take part. In a build or on a processor without hyperscan, none does. Immutable; any
 * thread may scan with its own scratch. Part of regexlist.c.
 */
struct regex_prefilter;
struct regex_prefilter_scratch;

/* Return whether a regex has the plain syntax: ASCII, no look-around, no back references, no odd
 * escapes or classes. */
bool regex_prefilter_can(const char *regex, size_t len);

/*
 * Build a prefilter from regexes; those that do not take part are NULL. Clears takes_part[i] for
 * each regex that must always be tried. Returns NULL, and no regex takes part, when a prefilter is
 * unavailable or would save nothing.
 */
struct regex_prefilter *regex_prefilter_new(const char *const *regexes, size_t count, bool anchored,
	bool *takes_part);
void regex_prefilter_free(struct regex_prefilter **prefilter);

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void); /* NULL when out of memory */
void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch);

/*
 * Set the bit of each regex that may match. subject is ASCII without NUL. Returns 0, or -1 when the
 * scan failed: then any regex may match.
 */
int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, const char *subject, size_t len, uint64_t *bits);

#endif
