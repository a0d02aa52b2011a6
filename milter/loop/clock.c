/*
 * Times of event loops: the monotonic clock, timeouts for poll(), and pauses between attempts. Owns
 * nothing; any thread may call it.
 */
#include "milter/loop/clock.h"

#include <limits.h>
#include <time.h>

#define FIRST_PAUSE_MS 200

int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int clock_timeout(int64_t now, int64_t due)
{
	if (due == CLOCK_NEVER)
		return -1;
	if (due <= now)
		return 0;
	return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

int64_t clock_backoff(unsigned attempt, int64_t max_ms, uint32_t random)
{
	int64_t pause = FIRST_PAUSE_MS;

	while (attempt-- > 1 && pause < max_ms)
		pause *= 2;
	if (pause > max_ms)
		pause = max_ms;
	return pause / 2 + pause / 2 * (random & 0xffff) / 0xffff;
}
