#ifndef POSTERN_BACKOFF_H
#define POSTERN_BACKOFF_H

#include <stdint.h>

/*
 * The pause before attempt number `attempt` (from 1) at what failed before: 200 ms, twice as long
 * each time, at most max_ms; of that, a random part between half and all, so that many daemons
 * don't come back at one moment. random: any 32 random bits. Milliseconds.
 */
int64_t backoff_ms(unsigned attempt, int64_t max_ms, uint32_t random);

#endif
