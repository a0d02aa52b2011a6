#ifndef POSTERN_PLAN_ROWS_H
#define POSTERN_PLAN_ROWS_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

/*
 * Whether each row of a query comes from one row of one table, so that a change of that row changes
 * no other row of the result: found in the plan that EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON)
 * prints. Only plans are accepted that scan one relation and at most sort its rows.
 */
struct plan_rows {
	char schema[256], relation[256]; /* the one that is scanned */
	bool finds_id;			 /* an index is searched for id = ANY (...) */
};

/* Parse a plan. Returns 0, or -1 with err set to what else the plan does, for people. */
int plan_rows_parse(const char *plan, struct plan_rows *rows_r, struct errmsg *err);

#endif
