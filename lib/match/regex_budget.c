/*
 * Measures the time that the regexes of a decision use. Each budget belongs to one thread at a
 * time.
 */
#include "lib/match/regex_budget.h"

#include <stddef.h>

#define STEPS_EACH_LOOK 16

void regex_budget_begin(struct regex_budget *budget)
{
	budget->allowed = REGEX_BUDGET_NS;
	budget->granted = 0;
	budget->steps = 0;
	budget->has_begun = budget->is_spent = false;
}

static void begin_now(struct regex_budget *budget)
{
	budget->passed = budget->passed_from = budget->clock->passed_ns();
	budget->used_from = budget->clock->used_ns();
	budget->has_begun = true;
}

bool regex_budget_is_spent(struct regex_budget *budget)
{
	uint64_t used;

	if (budget->clock == NULL || budget->is_spent)
		return budget->is_spent;
	if (!budget->has_begun) {
		begin_now(budget);
		return false;
	}
	budget->passed = budget->clock->passed_ns();
	if (budget->passed - budget->passed_from <= budget->allowed)
		return false;
	used = budget->clock->used_ns() - budget->used_from;
	budget->passed_from = budget->passed - used;
	budget->is_spent = used > budget->allowed;
	return budget->is_spent;
}

uint64_t regex_budget_pause(const struct regex_budget *budget)
{
	return budget->has_begun ? budget->clock->used_ns() : 0;
}

void regex_budget_resume(struct regex_budget *budget, uint64_t paused)
{
	if (budget->has_begun)
		budget->used_from += budget->clock->used_ns() - paused;
}

void regex_budget_begin_match(struct regex_budget *budget)
{
	budget->granted += REGEX_BUDGET_EACH_NS;
	if (budget->granted > budget->allowed)
		budget->allowed = budget->granted;
	budget->match_passed_from = budget->passed;
	budget->match_used_from = 0;
}

/*
 * Return whether the match has used its time. Most matches are too short for a look at the
 * processor time, so this is looked at only after half of the time has passed, and the match gets
 * the other half from then on.
 */
static bool match_is_spent(struct regex_budget *budget)
{
	if (budget->clock == NULL ||
		budget->passed - budget->match_passed_from <= REGEX_MATCH_NS / 2)
		return false;
	if (budget->match_used_from == 0) {
		budget->match_used_from = budget->clock->used_ns();
		return false;
	}
	return budget->clock->used_ns() - budget->match_used_from > REGEX_MATCH_NS / 2;
}

bool regex_budget_step(struct regex_budget *budget)
{
	return ++budget->steps % STEPS_EACH_LOOK == 0 &&
		(regex_budget_is_spent(budget) || match_is_spent(budget));
}
