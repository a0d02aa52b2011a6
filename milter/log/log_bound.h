#ifndef POSTERN_LOG_BOUND_H
#define POSTERN_LOG_BOUND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A bound on log lines that cost their cause nothing, so that nobody can fill the disk with them or
 * displace the lines of others from the log's ring: LOG_BOUND_BURST at once, and LOG_BOUND_PER_S
 * per second. The rest is counted, and the count is reported once a minute. In contrast to
 * milter/log/repeats.h, the lines may differ. All zero at first. One thread at a time.
 */
#define LOG_BOUND_BURST 1000
#define LOG_BOUND_PER_S 50
#define LOG_BOUND_REPORT_MS 60000

struct log_bound {
	int64_t used;	     /* lines of the burst, in thousandths */
	int64_t time;	     /* ms: when used was computed */
	int64_t since;	     /* ms: when the first of the suppressed lines was due */
	uint64_t suppressed; /* and not reported */
};

/* Return whether a line may be written now; otherwise count it. now: a monotonic time in
 * milliseconds. */
bool log_bound_admit(struct log_bound *bound, int64_t now);

/* Return the number of suppressed lines if a minute has passed since the first one, and begin anew;
 * otherwise 0. */
uint64_t log_bound_report(struct log_bound *bound, int64_t now);

#endif
