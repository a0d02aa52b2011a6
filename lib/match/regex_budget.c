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
	budget->steps = 0;
	budget->has_begun = budget->is_spent = false;
}

static void begin_now(struct regex_budget *budget)
{
	budget->passed_from = budget->clock->passed_ns();
	budget->used_from = budget->clock->used_ns();
	budget->has_begun = true;
}

bool regex_budget_is_spent(struct regex_budget *budget)
{
	uint64_t passed, used;

	if (budget->clock == NULL || budget->is_spent)
		return budget->is_spent;
	if (!budget->has_begun) {
		begin_now(budget);
		return false;
	}
	passed = budget->clock->passed_ns();
	if (passed - budget->passed_from <= budget->allowed)
		return false;
	used = budget->clock->used_ns() - budget->used_from;
	budget->passed_from = passed - used;
	budget->is_spent = used > budget->allowed;
	return budget->is_spent;
}

void regex_budget_grant(struct regex_budget *budget)
{
	budget->allowed += REGEX_BUDGET_EACH_NS;
}

bool regex_budget_step(struct regex_budget *budget)
{
	return ++budget->steps % STEPS_EACH_LOOK == 0 && regex_budget_is_spent(budget);
}
