#ifndef POSTERN_COUNTERS_H
#define POSTERN_COUNTERS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts of events by one to three properties, such as verdicts by stage, check and outcome. The
 * creator of the counters defines the properties and their names, so that a new check or mechanism
 * needs no line here. The counts begin at 0 when the process starts and only grow.
 *
 * Any thread may count and read at any time. Each count is exact; counts that are read together may
 * be of slightly different moments.
 */
struct counters;

#define COUNTERS_AXES_MAX 3

/* One property: how many values it has, and the name of each (static, for index < size). */
struct counter_axis {
	size_t size;
	const char *(*name)(size_t index);
};

/* axes is copied; axis_count is 1 to COUNTERS_AXES_MAX. Returns NULL when out of memory. */
struct counters *counters_new(const struct counter_axis axes[], size_t axis_count);
void counters_free(struct counters **counters); /* accepts NULL */

/*
 * Count one event; at holds an index for each axis. An index beyond its axis counts nothing. Costs
 * one relaxed atomic addition.
 */
void counters_add(struct counters *counters, const size_t at[]);

/* The sum of all counts whose index on that axis is `index`. */
uint64_t counters_sum(const struct counters *counters, size_t axis, size_t index);

/*
 * Return the counts that are not 0 as nested objects, one level for each axis: {"mail": {"sender":
 * {"fail": 3}}}. Returns a new reference, or NULL when out of memory.
 */
json_t *counters_json(const struct counters *counters);

#endif
