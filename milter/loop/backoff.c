#include "milter/loop/backoff.h"

#define FIRST_MS 200

int64_t backoff_ms(unsigned attempt, int64_t max_ms, uint32_t random)
{
	int64_t pause = FIRST_MS;

	while (attempt-- > 1 && pause < max_ms)
		pause *= 2;
	if (pause > max_ms)
		pause = max_ms;
	return pause / 2 + pause / 2 * (random & 0xffff) / 0xffff;
}
