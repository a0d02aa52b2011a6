#ifndef POSTERN_VERDICT_COUNTS_H
#define POSTERN_VERDICT_COUNTS_H

#include "lib/rules/verdict.h"
#include "milter/shared/counters.h"

/* The verdicts of all SMTP sessions since the start. Any thread may count and read. */
struct verdict_counts {
	struct counters *stages;   /* by stage and kind of verdict: "mail" "reject" */
	struct counters *findings; /* by stage, check and outcome: "mail" "sender" "fail" */
};

int verdict_counts_init(struct verdict_counts *counts); /* -1 when out of memory */
void verdict_counts_clear(struct verdict_counts *counts);

/* Count the verdict of a stage, and each of its findings. */
void verdict_counts_add(const struct verdict_counts *counts, enum stage stage,
	const struct verdict *verdict);

#endif
