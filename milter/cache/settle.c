/*
 * Calculates when a watched file has settled. It works on plain values, which the caller owns; the
 * watch calls it on the cache thread.
 */
#include "milter/cache/settle.h"

#include "milter/loop/clock.h"

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
	if (!settle->noticed)
		settle->since = now;
	if ((event == SETTLE_CLOSED || event == SETTLE_REPLACED) && !settle->was_saved) {
		settle->was_saved = true;
		settle->saved_at = now;
		if (!settle->waits)
			settle->waits_since = now;
		settle->waits = true;
	}
	settle->dirty = true;
	settle->failed = false;
	settle->noticed = true;
	settle->changed_at = now;
}

static bool is_shorter(const struct settle *settle, const struct file_stamp *stamp)
{
	return settle->is_loaded && settle->loaded.exists && stamp->size < settle->loaded.size;
}

/* When a file that is open for writing is read. A text that becomes shorter is being replaced; one
 * that only becomes longer is good as it is. */
static int64_t open_until(const struct settle *settle)
{
	if (is_shorter(settle, &settle->seen))
		return clock_earlier(settle->changed_at + SETTLE_OPEN_MS,
			settle->since + SETTLE_LONG_MS);
	return settle->since + SETTLE_APPEND_MS;
}

/* When a held text is complete if nothing happens. */
static int64_t complete_at(const struct settle *settle)
{
	if (settle->seen.size == 0 && !settle->writing)
		return settle->changed_at + SETTLE_NOTHING_MS;
	if (settle->noticed)
		return settle->writing ? CLOCK_NEVER : settle->changed_at;
	return settle->changed_at + SETTLE_SAME_MS;
}

/* Return how long a file that is not open must be left alone before it is read. */
static int64_t quiet_time(const struct settle *settle)
{
	bool had_text = settle->is_loaded && settle->loaded.exists && settle->loaded.size > 0;

	if (!settle->seen.exists)
		return settle->is_loaded && settle->loaded.exists ? SETTLE_GONE_MS : 0;
	if (settle->seen.size == 0 && had_text)
		return SETTLE_EMPTY_MS;
	return settle->noticed ? SETTLE_WHOLE_MS : SETTLE_UNSURE_MS;
}

/* When a file that is not open is read: once it is left alone, or after a while if programs save it
 * again and again. */
static int64_t closed_until(const struct settle *settle)
{
	const int64_t quiet_at = settle->changed_at + quiet_time(settle);
	const int64_t most = is_shorter(settle, &settle->seen) ? SETTLE_LONG_MS : SETTLE_APPEND_MS;

	return settle->was_saved && !settle->failed && settle->seen.exists ?
		clock_earlier(quiet_at, settle->saved_at + most) :
		quiet_at;
}

/* From now on, events report changes that the read may miss. */
static enum settle_answer begin_reading(struct settle *settle)
{
	settle->complete_at = complete_at(settle);
	settle->was_noticed = settle->noticed;
	settle->was_writing = settle->writing;
	settle->dirty = settle->noticed = settle->was_saved = false;
	return SETTLE_READ;
}

/* The read gave nothing to use, so that what was known before it still counts. */
static void end_in_vain(struct settle *settle)
{
	settle->dirty = true;
	settle->noticed = settle->noticed || settle->was_noticed;
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
		return begin_reading(settle); /* the first look: there is no older text to keep */
	}
	if (!file_stamp_equal(stamp, &settle->seen)) {
		settle->seen = *stamp;
		settle->failed = settle->held = false;
		settle->changed_at = now;
	}
	if (settle->held)
		quiet_at = complete_at(settle);
	else if (same && !settle->noticed)
		quiet_at = settle->changed_at; /* forced, or a retry */
	else if (settle->writing && stamp->exists)
		quiet_at = open_until(settle);
	else
		quiet_at = closed_until(settle);
	if (now >= quiet_at)
		return begin_reading(settle);
	*again_r = quiet_at;
	return SETTLE_WAIT;
}

/* Return whether the file has been saved again and again for so long that any text of it is used.
 */
static bool is_overdue(const struct settle *settle, const struct file_stamp *stamp, int64_t now)
{
	const int64_t most = is_shorter(settle, stamp) ? SETTLE_LONG_MS : SETTLE_APPEND_MS;

	return settle->waits && stamp->exists && now - settle->waits_since >= most;
}

bool settle_had_settled(const struct settle *settle, const struct file_stamp *stamp, int64_t now)
{
	const struct file_stamp *seen = &settle->seen;

	return file_stamp_equal(stamp, seen) || is_overdue(settle, stamp, now) ||
		(settle->was_writing && stamp->exists && seen->exists && stamp->dev == seen->dev &&
			stamp->ino == seen->ino && stamp->size >= seen->size);
}

void settle_dropped(struct settle *settle, int64_t now)
{
	end_in_vain(settle);
	settle->changed_at = settle->since = now;
}

void settle_loaded(struct settle *settle, const struct file_stamp *stamp)
{
	settle->loaded = settle->seen = *stamp;
	settle->is_loaded = true;
	settle->failed = settle->held = false;
	settle->waits = settle->was_saved; /* by a save since the read began */
	settle->waits_since = settle->saved_at;
}

int64_t settle_held(struct settle *settle, const struct file_stamp *stamp, int64_t now)
{
	if (!file_stamp_equal(stamp, &settle->seen)) {
		settle->seen = *stamp;
		settle->changed_at = now;
	}
	end_in_vain(settle);
	settle->held = true;
	settle->failed = false;
	settle->since = now;
	return complete_at(settle);
}

bool settle_is_complete(const struct settle *settle, const struct file_stamp *stamp, int64_t now)
{
	return file_stamp_equal(stamp, &settle->seen) && now >= settle->complete_at;
}

void settle_failed(struct settle *settle, int64_t now)
{
	end_in_vain(settle);
	settle->failed = true;
	settle->changed_at = now + SETTLE_RETRY_MS;
	settle->since = now;
}

void settle_force(struct settle *settle)
{
	if (!settle->is_loaded && !settle->noticed && !settle->dirty)
		return; /* the first look will read it */
	if (!settle->dirty || settle->failed || settle->held)
		settle->changed_at = settle->since = -SETTLE_LONG_MS; /* long ago */
	settle->held = false;
	settle->dirty = true;
}
