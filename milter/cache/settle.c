/*
 * Calculates when a watched file has settled. It works on plain values, which the caller owns; the
 * watch calls it on the cache thread.
 */
#include "milter/cache/settle.h"

void settle_event(struct settle *settle, enum settle_event event, int64_t now)
{
	switch (event) {
	case SETTLE_MODIFIED:
		settle->writing = true;
		break;
	case SETTLE_CLOSED:
		if (!settle->writing) { /* no write was reported: a change shows in the stamp only
					 */
			settle->changed_at = now;
			return;
		}
		settle->writing = false;
		break;
	case SETTLE_REPLACED:
	case SETTLE_REMOVED:
		settle->writing = false;
		break;
	case SETTLE_TOUCHED:
		settle->changed_at = now;
		return; /* the stamp shows whether the text changed */
	}
	settle->dirty = true;
	settle->failed = false;
	settle->noticed = true;
	settle->changed_at = now;
}

/* Return how long the file must be left alone before it is read. */
static int64_t quiet_time(const struct settle *settle)
{
	bool had_text = settle->is_loaded && settle->loaded.exists && settle->loaded.size > 0;

	if (!settle->seen.exists)
		return settle->is_loaded && settle->loaded.exists ? SETTLE_GONE_MS : 0;
	if (settle->writing)
		return SETTLE_OPEN_MS;
	if (settle->seen.size == 0 && had_text)
		return SETTLE_EMPTY_MS;
	return settle->noticed ? SETTLE_WHOLE_MS : SETTLE_UNSURE_MS;
}

enum settle_answer settle_look(struct settle *settle, const struct file_stamp *stamp, int64_t now,
	int64_t *again_r)
{
	bool same = settle->is_loaded && file_stamp_equal(stamp, &settle->loaded);
	int64_t quiet_at;

	if (same && !settle->dirty)
		return SETTLE_SAME;
	if (!settle->is_loaded && !settle->noticed && !settle->dirty) {
		settle->seen = *stamp;
		settle->dirty = true;
		return SETTLE_READ; /* the first look: there is no older text to keep */
	}
	if (!file_stamp_equal(stamp, &settle->seen)) {
		settle->seen = *stamp;
		settle->failed = false;
		settle->changed_at = now;
	}
	if (same && !settle->noticed)
		quiet_at = settle->changed_at; /* forced, or a retry */
	else
		quiet_at = settle->changed_at + quiet_time(settle);
	if (now >= quiet_at)
		return SETTLE_READ;
	*again_r = quiet_at;
	return SETTLE_WAIT;
}

void settle_loaded(struct settle *settle, const struct file_stamp *stamp)
{
	settle->loaded = settle->seen = *stamp;
	settle->is_loaded = true;
	settle->dirty = settle->failed = false;
	settle->noticed = false;
	settle->writing = false;
}

void settle_failed(struct settle *settle, int64_t now)
{
	settle->dirty = settle->failed = true;
	settle->changed_at = now + SETTLE_RETRY_MS;
}

void settle_force(struct settle *settle)
{
	if (!settle->dirty || settle->failed)
		settle->changed_at = 0;
	settle->dirty = true;
}
