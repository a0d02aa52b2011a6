#ifndef POSTERN_LIMITS_H
#define POSTERN_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

#define LIMITS_MAX 8 /* of one profile */

/* At most `count` in any window of `seconds`. A plain value. */
struct limit {
	uint32_t count;	  /* 0 (allows nothing) to 1,000,000,000 */
	uint32_t seconds; /* 1 to 366 days */
};

/* The `limits` of a profile. A plain value. */
struct limits {
	size_t len;
	struct limit limit[LIMITS_MAX];
};

/*
 * Parse a list like "1/5m,500/1d". Each limit is N or N/T; T is a number with the unit s, m, h or
 * d. Without a unit, T is in seconds; without T, the window is 60 seconds. Empty text means no
 * limit. Returns 0, or -1 with err set and *limits_r unchanged.
 */
int limits_parse(const char *text, size_t len, struct limits *limits_r, struct errmsg *err);

/* "500/1d" */
void limit_format(const struct limit *limit, char text_r[32]);

/* The length of a window in its largest whole unit: "1d", "90s". */
void window_format(uint32_t seconds, char text_r[16]);

/* A waiting time in its two largest units, rounded up: "3h12m", "2d", "40s". UINT64_MAX is "never".
 */
void wait_format(uint64_t seconds, char text_r[32]);

#endif
