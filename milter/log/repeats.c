/*
 * The bound on equal log lines. Owns the beginnings of the lines that it counts, in a table of its
 * caller, which has the lock.
 */
#include "milter/log/repeats.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8 /* slots that a line may use */

static bool is_over(const struct repeat *repeat, int64_t now)
{
	return now - repeat->since >= REPEATS_MINUTE_MS;
}

static bool is_equal(const struct repeat *repeat, const struct repeats_line *line)
{
	return repeat->count > 0 && repeat->hash == line->hash && repeat->level == line->level;
}

/* Free the slot. Returns whether it has suppressed lines, which *report_r then describes. */
static bool end_minute(struct repeats *repeats, struct repeat *repeat,
	struct repeats_report *report_r)
{
	const bool is_reported = repeat->count > REPEATS_MAX;

	if (is_reported) {
		report_r->suppressed = repeat->count - REPEATS_MAX;
		report_r->level = repeat->level;
		memset(report_r->text, 0, sizeof(report_r->text));
		if (repeat->text != NULL)
			memcpy(report_r->text, repeat->text, strlen(repeat->text));
		repeats->suppressing--;
	}
	free(repeat->text);
	*repeat = (struct repeat){ .count = 0 };
	return is_reported;
}

/* The slot of an equal line; otherwise one that is free or over, or the one with the fewest equal
 * lines, so that no number of different lines displaces one that repeats. */
static struct repeat *find_slot(struct repeats *repeats, const struct repeats_line *line,
	int64_t now)
{
	struct repeat *set = &repeats->slots[line->hash % (REPEATS_SLOTS / WAYS) * WAYS];
	struct repeat *best = set;

	for (struct repeat *slot = set; slot < set + WAYS; slot++) {
		if (is_equal(slot, line))
			return slot;
		if (best->count > 0 && !is_over(best, now) &&
			(slot->count < best->count || is_over(slot, now)))
			best = slot;
	}
	return best;
}

bool repeats_admit(struct repeats *repeats, const struct repeats_line *line, int64_t now,
	struct repeats_report *report_r)
{
	struct repeat *slot = find_slot(repeats, line, now);

	report_r->suppressed = 0;
	if (slot->count > 0 && (!is_equal(slot, line) || is_over(slot, now)))
		(void)end_minute(repeats, slot, report_r);
	if (slot->count == 0)
		*slot = (struct repeat){ .hash = line->hash, .since = now, .level = line->level };
	if (slot->count < UINT32_MAX)
		slot->count++;
	if (slot->count == REPEATS_MAX + 1) {
		slot->text = strndup(line->text,
			line->len < REPEATS_TEXT_SIZE ? line->len : REPEATS_TEXT_SIZE - 1);
		repeats->suppressing++;
	}
	return slot->count <= REPEATS_MAX;
}

bool repeats_end(struct repeats *repeats, int64_t now, struct repeats_report *report_r)
{
	for (size_t i = 0; i < REPEATS_SLOTS && repeats->suppressing > 0; i++) {
		struct repeat *slot = &repeats->slots[i];

		if (slot->count > REPEATS_MAX && is_over(slot, now))
			return end_minute(repeats, slot, report_r);
	}
	return false;
}

void repeats_clear(struct repeats *repeats)
{
	for (size_t i = 0; i < REPEATS_SLOTS; i++)
		free(repeats->slots[i].text);
	*repeats = (struct repeats){ .suppressing = 0 };
}
