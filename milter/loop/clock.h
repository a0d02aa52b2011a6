#ifndef POSTERN_CLOCK_H
#define POSTERN_CLOCK_H

#include <stdint.h>

/* Times and pauses of event loops, in milliseconds. Every function is thread-safe. */

#define CLOCK_NEVER INT64_MAX

/* The monotonic clock. */
int64_t clock_ms(void);

int64_t clock_earlier(int64_t a, int64_t b);

/* The time from now until due as poll() expects it: 0 when due has passed, -1 for CLOCK_NEVER. */
int clock_timeout(int64_t now, int64_t due);

/*
 * The pause before attempt number `attempt` (from 1) at something that failed before. It begins at
 * 200 ms and doubles each time, up to max_ms. A random part between half and all of it is
 * returned, so that many daemons do not come back at the same moment. random: any 32 random bits.
 */
int64_t clock_backoff(unsigned attempt, int64_t max_ms, uint32_t random);

#endif
