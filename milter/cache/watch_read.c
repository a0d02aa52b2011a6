/*
 * Hands out the watched files that must be read, in their turns, and notes what became of the
 * reads. The cache thread runs it. Shown by t/unit/test_watch.c.
 */
#include "milter/cache/watch_private.h"
#include "milter/loop/clock.h"

/* The file is behind the others from now on. */
static void begin_reading(struct watch *watch, struct watched *file)
{
	file->ready = false;
	file->reading = true;
	file->order = ++watch->orders;
}

bool watch_next(struct watch *watch, size_t *slot_r)
{
	struct watched *first = NULL;

	for (size_t i = 0; i < WATCH_FILES; i++) {
		struct watched *file = &watch->files[i];

		if (file->ready &&
			(first == NULL || file->due < first->due ||
				(file->due == first->due && file->order < first->order)))
			first = file;
	}
	if (first == NULL)
		return false;
	begin_reading(watch, first);
	*slot_r = (size_t)(first - watch->files);
	return true;
}

bool watch_must_read(struct watch *watch, size_t slot)
{
	if (!watch->files[slot].ready)
		return false;
	begin_reading(watch, &watch->files[slot]);
	return true;
}

/* End the read of a file. The file is examined again at the given time, or earlier if something has
 * happened meanwhile. */
static void end_reading(struct watch *watch, size_t slot, int64_t again)
{
	struct watched *file = &watch->files[slot];

	file->ready = file->reading = false;
	file->again = clock_earlier(file->again, again);
	if (file->forced)
		watch_force(watch, slot);
}

bool watch_had_settled(const struct watch *watch, size_t slot, const struct file_stamp *stamp,
	int64_t now)
{
	return settle_had_settled(&watch->files[slot].settle, stamp, now);
}

void watch_dropped(struct watch *watch, size_t slot, int64_t now)
{
	settle_dropped(&watch->files[slot].settle, now);
	end_reading(watch, slot, now);
}

void watch_loaded(struct watch *watch, size_t slot, const struct file_stamp *stamp)
{
	settle_loaded(&watch->files[slot].settle, stamp);
	end_reading(watch, slot, WATCH_NEVER);
}

bool watch_is_loaded(const struct watch *watch, size_t slot, const struct file_stamp *stamp)
{
	const struct settle *settle = &watch->files[slot].settle;

	return settle->is_loaded && file_stamp_equal(&settle->loaded, stamp);
}

void watch_held(struct watch *watch, size_t slot, const struct file_stamp *stamp, int64_t now)
{
	end_reading(watch, slot, settle_held(&watch->files[slot].settle, stamp, now));
}

bool watch_is_complete(const struct watch *watch, size_t slot, const struct file_stamp *stamp,
	int64_t now)
{
	return settle_is_complete(&watch->files[slot].settle, stamp, now);
}

bool watch_is_written(const struct watch *watch, size_t slot)
{
	return watch->files[slot].settle.writing;
}

void watch_failed(struct watch *watch, size_t slot, int64_t now)
{
	settle_failed(&watch->files[slot].settle, now);
	watch->files[slot].failed = true;
	end_reading(watch, slot, now + SETTLE_RETRY_MS);
}

void watch_force(struct watch *watch, size_t slot)
{
	struct watched *file = &watch->files[slot];

	if ((file->forced = file->ready || file->reading))
		return;
	file->forces++;
	file->when_forced = (struct file_stamp){ .exists = true }; /* as no file is */
	settle_force(&file->settle);
	file->again = 0;
	file->failed = false;
}

bool watch_is_reading(const struct watch *watch, size_t slot)
{
	return watch->files[slot].reading;
}

bool watch_is_forced(const struct watch *watch, size_t slot)
{
	return watch->files[slot].forced;
}
