/*
 * The verdicts that sessions have received, counted by the tables of lib/rules/verdict.h: a new
 * stage, check or outcome is counted without a change here. Owns the counters; any thread counts.
 */
#include "milter/shared/verdict_counts.h"

static const char *name_stage(size_t index)
{
	return stage_name((enum stage)index);
}

static const char *name_check(size_t index)
{
	return check_name((enum check)index);
}

static const char *name_outcome(size_t index)
{
	return outcome_name((enum outcome)index);
}

static const char *name_kind(size_t index)
{
	return verdict_name((enum verdict_kind)index);
}

int verdict_counts_init(struct verdict_counts *counts)
{
	const struct counter_axis stages[] = { { STAGE_COUNT, name_stage },
		{ VERDICT_KIND_COUNT, name_kind } };
	const struct counter_axis findings[] = { { STAGE_COUNT, name_stage },
		{ CHECK_COUNT, name_check }, { OUTCOME_COUNT, name_outcome } };

	counts->stages = counters_new(stages, sizeof(stages) / sizeof(stages[0]));
	counts->findings = counters_new(findings, sizeof(findings) / sizeof(findings[0]));
	if (counts->stages != NULL && counts->findings != NULL)
		return 0;
	verdict_counts_clear(counts);
	return -1;
}

void verdict_counts_clear(struct verdict_counts *counts)
{
	counters_free(&counts->stages);
	counters_free(&counts->findings);
}

void verdict_counts_add(const struct verdict_counts *counts, enum stage stage,
	const struct verdict *verdict)
{
	counters_add(counts->stages, (const size_t[]){ stage, verdict->kind });
	for (size_t i = 0; i < verdict->count; i++) {
		const struct finding *finding = &verdict->findings[i];

		counters_add(counts->findings,
			(const size_t[]){ stage, finding->check, finding->outcome });
	}
}
