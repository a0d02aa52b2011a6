#ifndef POSTERN_CLOCK_H
#define POSTERN_CLOCK_H

#include <stdint.h>

#define CLOCK_NEVER INT64_MAX

/* Milliseconds of the monotonic clock. */
int64_t clock_ms(void);

/* For poll(): how long from now until due; -1 for CLOCK_NEVER, never less than 0. */
int clock_timeout(int64_t now, int64_t due);

#endif
