/*
 * Measures the time that the regexes of a decision use. Each budget belongs to one thread at a
 * time.
 */
#include "lib/match/regex_budget.h"

#include <stddef.h>

void regex_budget_begin(struct regex_budget *budget)
{
	budget->allowed = REGEX_BUDGET_NS;
	budget->granted = 0;
	budget->steps = 0;
	budget->match_steps = 1;
	budget->has_begun = budget->is_metered = budget->is_spent = false;
}

static void read_passed(struct regex_budget *budget)
{
	budget->passed = budget->clock->passed_ns();
	budget->steps = 0;
}

/* Return what the decision has used. */
static uint64_t read_used(struct regex_budget *budget)
{
	const uint64_t used = budget->clock->used_ns();

	if (!budget->is_metered)
		budget->used_from = used - REGEX_BUDGET_UNREAD_NS;
	budget->is_metered = true;
	return used - budget->used_from;
}

bool regex_budget_is_spent(struct regex_budget *budget)
{
	uint64_t used;

	if (budget->clock == NULL || budget->is_spent)
		return budget->is_spent;
	read_passed(budget);
	if (!budget->has_begun) {
		budget->passed_from = budget->passed;
		budget->has_begun = true;
	}
	if (budget->passed - budget->passed_from <=
		(budget->is_metered ? budget->allowed : REGEX_BUDGET_UNREAD_NS))
		return false;
	used = read_used(budget);
	budget->passed_from = budget->passed - used;
	budget->is_spent = used > budget->allowed;
	return budget->is_spent;
}

uint64_t regex_budget_pause(struct regex_budget *budget)
{
	return budget->has_begun ? read_used(budget) : 0;
}

void regex_budget_resume(struct regex_budget *budget, uint64_t paused)
{
	if (budget->has_begun)
		budget->used_from += read_used(budget) - paused;
}

bool regex_budget_begin_match(struct regex_budget *budget, uint64_t work)
{
	budget->match_steps = 1 + work / REGEX_BUDGET_STEP_WORK;
	budget->steps += budget->match_steps;
	if (budget->is_spent ||
		((budget->steps >= REGEX_BUDGET_STEPS || !budget->has_begun) &&
			regex_budget_is_spent(budget)))
		return false;
	budget->granted += REGEX_BUDGET_EACH_NS;
	if (budget->granted > budget->allowed)
		budget->allowed = budget->granted;
	budget->match_passed_from = budget->match_used_from = 0;
	return true;
}

/*
 * Return whether the match has used its time. Most matches are too short for a look at the
 * processor time, so this is looked at only after half of the time has passed, and the match gets
 * the other half from then on.
 */
static bool match_is_spent(struct regex_budget *budget)
{
	if (budget->match_passed_from == 0)
		budget->match_passed_from = budget->passed;
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
	budget->steps += budget->match_steps;
	return budget->steps >= REGEX_BUDGET_STEPS &&
		(regex_budget_is_spent(budget) || match_is_spent(budget));
}
