#ifndef POSTERN_PLAN_READS_H
#define POSTERN_PLAN_READS_H

#include <jansson.h>

#include "lib/base/errmsg.h"

/*
 * What a query reads, found in its text and in its plan, which EXPLAIN (VERBOSE, COSTS OFF, FORMAT
 * JSON) prints. Only names are collected; pg_reads.h has the server resolve them. The caller owns
 * the objects and clears them.
 *
 * The plan gives the relations that are scanned and, in its expressions, the functions and
 * operators that are called, with views and many SQL functions already replaced by their contents.
 * Therefore the words of the query's text are collected, too, in which these still have their
 * names.
 */
struct plan_reads {
	json_t *relations; /* {"\"schema\".\"name\"": ["schema", "name"], ...}: scanned */
	json_t *functions; /* {"name": [null, "name"], "\"schema\".\"name\"": ...}: called in the
			      plan */
	json_t *operators; /* {"||": true, ...}: in the plan */
	json_t *words;	   /* {"users": true, ...}: the names in the query's text, unqualified */
	json_t *changing; /* {"CURRENT_DATE": true, ...}: what can make the rows change by itself */
};

/*
 * Parse the plan of a query. Returns 0, or -1 with err set if the plan cannot be understood or
 * memory runs out; reads_r is then empty.
 */
int plan_reads_parse(const char *query, const char *plan, struct plan_reads *reads_r,
	struct errmsg *err);

/* Release the objects; accepts an empty struct. */
void plan_reads_clear(struct plan_reads *reads);

#endif
