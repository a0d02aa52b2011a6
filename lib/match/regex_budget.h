#ifndef POSTERN_REGEX_BUDGET_H
#define POSTERN_REGEX_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The clocks that measure what regexes use, in ns. The processor time of the calling thread is what
 * counts, because a busy machine must not defer mail. Reading that clock is a system call, so the
 * time that has passed, which is never less, is read first.
 */
struct regex_clock {
	uint64_t (*passed_ns)(void); /* monotonic */
	uint64_t (*used_ns)(void);   /* the calling thread's processor time */
};

/* For all regexes of one decision: the first or, if that is more, the second for each regex that is
 * tried, because a long list that is not prepared takes that long. */
#define REGEX_BUDGET_NS UINT64_C(5000000)
#define REGEX_BUDGET_EACH_NS UINT64_C(2000)

/* Most decisions end within this time, so that nothing reads their processor time. For others, this
 * much counts for the time before it was first read. */
#define REGEX_BUDGET_UNREAD_NS UINT64_C(200000)

/* For one match, so that a single regex does not use up the time of all others. */
#define REGEX_MATCH_NS UINT64_C(1000000)

/*
 * The time of all regexes of one decision, and of the match that is under way. One thread at a
 * time. Part of regexlist.c.
 */
struct regex_budget {
	const struct regex_clock *clock; /* NULL: no bound */
	uint64_t allowed;		 /* ns */
	uint64_t granted;		 /* ns, for the regexes that were tried */
	uint64_t passed_from, used_from; /* what the clocks showed at the beginning, without
					    pauses that are known; the latter once is_metered */
	uint64_t passed;		 /* what the clock showed last */
	uint64_t match_passed_from;	 /* ... when it was first read in the match; 0: not yet */
	uint64_t match_used_from;	 /* ... when half of its time had passed; 0: it has not */
	uint64_t steps;			 /* since the clock was read */
	uint64_t match_steps;		 /* as which each step of the match counts */
	bool has_begun, is_metered, is_spent;
};

/* Begin a decision with a full budget. Nothing is used until the budget is first looked at. */
void regex_budget_begin(struct regex_budget *budget);

/* Return whether the budget is spent. It stays spent until the next decision. */
bool regex_budget_is_spent(struct regex_budget *budget);

/*
 * Begin a match of one more regex, for which the decision gets some time. Returns whether the
 * budget allows it. Looks at the clock once for each REGEX_BUDGET_STEPS matches and steps, because
 * a look takes as long as a tenth of an ordinary match. work: the bytes of the regex multiplied by
 * those of the subject, so that there is a look before each match that may take long, and at each
 * step within it: the time between two steps grows with both, too.
 */
bool regex_budget_begin_match(struct regex_budget *budget, uint64_t work);

#define REGEX_BUDGET_STEPS 16
#define REGEX_BUDGET_STEP_WORK 32768 /* counts as a step; an ordinary match has less */

/* Between these calls, nothing is charged to the decision. Pass to regex_budget_resume() what
 * regex_budget_pause() has returned. */
uint64_t regex_budget_pause(struct regex_budget *budget);
void regex_budget_resume(struct regex_budget *budget, uint64_t paused);

/* Return, at one of many short steps of a match, whether to end it: whether it has used its time,
 * or the budget is spent. Looks at the clock once for each REGEX_BUDGET_STEPS, or more often: see
 * above. */
bool regex_budget_step(struct regex_budget *budget);

#endif
