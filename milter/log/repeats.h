#ifndef POSTERN_REPEATS_H
#define POSTERN_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bound on equal log lines: in the minute after a line appears, REPEATS_MAX equal ones are
 * written, itself included. The rest is counted, and the count is reported when the minute is over.
 * Lines are compared by a hash. The table has room for REPEATS_SLOTS lines; one without an equal
 * line is replaced first. One thread at a time.
 */
#define REPEATS_MAX 10
#define REPEATS_SLOTS 1024
#define REPEATS_MINUTE_MS 60000
#define REPEATS_TEXT_SIZE 256 /* of the line in the report */

struct repeat {
	uint64_t hash;
	int64_t since;	/* ms: when the first of the equal lines was written */
	uint32_t count; /* of equal lines since then; 0: the slot is free */
	uint32_t level;
	char *text; /* the beginning of the line, once lines are suppressed; may be NULL */
};

/* All zero at first. */
struct repeats {
	struct repeat slots[REPEATS_SLOTS];
	unsigned suppressing; /* how many of them have a report to make */
};

/* A count to report. */
struct repeats_report {
	uint32_t suppressed;
	uint32_t level;
	char text[REPEATS_TEXT_SIZE]; /* the beginning of the line; "" when out of memory */
};

/* A line that is to be written. A plain value, which borrows the text. */
struct repeats_line {
	uint64_t hash; /* hash_bytes() of the text */
	uint32_t level;
	const char *text;
	size_t len;
};

/*
 * Return whether this line may be written. now: a monotonic time in milliseconds. If the line
 * replaces another one whose count has to be written first, *report_r describes that one; otherwise
 * its count is 0.
 */
bool repeats_admit(struct repeats *repeats, const struct repeats_line *line, int64_t now,
	struct repeats_report *report_r);

/* Find a minute that is over, or with now INT64_MAX any, and end it. Returns whether its count has
 * to be written. Call it until it returns false. */
bool repeats_end(struct repeats *repeats, int64_t now, struct repeats_report *report_r);

/* Forget all lines. */
void repeats_clear(struct repeats *repeats);

#endif
