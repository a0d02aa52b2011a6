#ifndef POSTERN_LIMITS_H
#define POSTERN_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"

#define LIMITS_MAX 8 /* limits of one profile */

/* At most `count` in any window of `seconds`. */
struct limit {
	uint32_t count;	  /* 1..1,000,000,000; 0 allows nothing */
	uint32_t seconds; /* 1..366 days */
};

/* A profile's `limits`. A plain value. */
struct limits {
	size_t len;
	struct limit limit[LIMITS_MAX];
};

/*
 * Parse "1/5m,500/1d": N or N/T, T a number with the unit s, m, h or d
 * (none: seconds), no T: 60 s. Empty text is no limit. 0, or -1 with err set.
 */
int limits_parse(const char *text, size_t len, struct limits *limits_r, struct errmsg *err);

/* "500/1d" */
void limit_format(const struct limit *limit, char text_r[32]);

/* A window's length in its largest whole unit: "1d", "90s". */
void window_format(uint32_t seconds, char text_r[16]);

/* A time to wait in its two largest units, rounded up: "3h12m", "2d", "40s"; UINT64_MAX is "never".
 */
void wait_format(uint64_t seconds, char text_r[32]);

#endif
