/*
 * Determines when the policy in force was last known to be what its sources contain. It owns
 * nothing; the cache thread notes the parts, and any thread may ask.
 */
#include "milter/cache/known_right.h"

static time_t earlier(time_t a, time_t b)
{
	return a < b ? a : b;
}

/* Of a part that was wrong since then, or 0 if it is right. */
static time_t earlier_if_wrong(time_t right, time_t wrong_since)
{
	return wrong_since != 0 ? earlier(right, wrong_since) : right;
}

time_t known_right(const struct known_right *parts, enum cache_source source, time_t now)
{
	time_t right = now;

	if (source == SOURCE_NONE)
		return 0;
	if (source == SOURCE_DATABASE || source == SOURCE_CACHE)
		right = earlier(right, parts->rows);
	for (size_t i = 0; i < WATCH_FILES; i++)
		right = earlier_if_wrong(right, parts->wrong_since[i]);
	right = earlier_if_wrong(right, parts->psl_wrong_since);
	right = earlier_if_wrong(right, parts->config_wrong_since);
	return earlier_if_wrong(right, parts->source_wrong_since);
}

bool known_right_note(time_t *since, bool is_wrong, time_t now)
{
	const bool has_changed = is_wrong != (*since != 0);

	if (has_changed)
		*since = is_wrong ? now : 0;
	return has_changed;
}
