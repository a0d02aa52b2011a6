#ifndef POSTERN_REGEX_FAILURES_H
#define POSTERN_REGEX_FAILURES_H

#include <stdint.h>

#include "lib/rules/verdict.h"

/* The findings whose regexes exceeded their limits. Any thread may call these functions. */
struct regex_failures;

struct regex_failures *regex_failures_new(void);	    /* NULL when out of memory */
void regex_failures_free(struct regex_failures **failures); /* accepts NULL */

/* Count a finding that ran out. now: clock_ms(). */
void regex_failures_add(struct regex_failures *failures, const struct finding *finding,
	int64_t now);

/* Return how many there were since the start. If there were any, set *last_r to the time of the
 * latest, and rule_r to its rule. */
uint64_t regex_failures_read(struct regex_failures *failures, int64_t *last_r,
	char rule_r[RULE_SIZE]);

#endif
