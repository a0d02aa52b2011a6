/*
 * The bound on log lines that cost their cause nothing: a burst that is forgiven at a constant
 * rate. Owns nothing; one thread at a time uses a bound.
 */
#include "milter/log/log_bound.h"

#define LINE 1000 /* thousandths; LOG_BOUND_PER_S of them are forgiven in a millisecond */

bool log_bound_admit(struct log_bound *bound, int64_t now)
{
	const int64_t forgiven = (now - bound->time) * LOG_BOUND_PER_S;

	bound->used = bound->used > forgiven ? bound->used - forgiven : 0;
	bound->time = now;
	if (bound->used + LINE <= (int64_t)LOG_BOUND_BURST * LINE) {
		bound->used += LINE;
		return true;
	}
	if (bound->suppressed++ == 0)
		bound->since = now;
	return false;
}

uint64_t log_bound_report(struct log_bound *bound, int64_t now)
{
	const uint64_t suppressed = bound->suppressed;

	if (suppressed == 0 || now - bound->since < LOG_BOUND_REPORT_MS)
		return 0;
	bound->suppressed = 0;
	return suppressed;
}
