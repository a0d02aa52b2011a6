/*
 * Counts of events. The object owns an array with one atomic number for each combination of
 * properties. Any thread adds to it, without a lock.
 */
#include "milter/shared/counters.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct counters {
	struct counter_axis axes[COUNTERS_AXES_MAX];
	size_t axis_count, cell_count;
	atomic_uint_fast64_t cells[]; /* the last axis varies fastest */
};

struct counters *counters_new(const struct counter_axis axes[], size_t axis_count)
{
	struct counters *counters;
	size_t cells = 1;

	for (size_t a = 0; a < axis_count; a++)
		cells *= axes[a].size;
	counters = calloc(1, sizeof(*counters) + cells * sizeof(counters->cells[0]));
	if (counters == NULL)
		return NULL;
	memcpy(counters->axes, axes, axis_count * sizeof(axes[0]));
	counters->axis_count = axis_count;
	counters->cell_count = cells;
	return counters;
}

void counters_free(struct counters **counters)
{
	free(*counters);
	*counters = NULL;
}

/* The number of a combination's cell; cell_count when an index is beyond its axis. */
static size_t cell_of(const struct counters *counters, const size_t at[])
{
	size_t cell = 0;

	for (size_t a = 0; a < counters->axis_count; a++) {
		if (at[a] >= counters->axes[a].size)
			return counters->cell_count;
		cell = cell * counters->axes[a].size + at[a];
	}
	return cell;
}

static uint64_t read_cell(const struct counters *counters, size_t cell)
{
	return atomic_load_explicit(&counters->cells[cell], memory_order_relaxed);
}

void counters_add(struct counters *counters, const size_t at[])
{
	const size_t cell = cell_of(counters, at);

	if (cell < counters->cell_count)
		atomic_fetch_add_explicit(&counters->cells[cell], 1, memory_order_relaxed);
}

/* The index on an axis of the combination that a cell counts. */
static size_t index_of(const struct counters *counters, size_t cell, size_t axis)
{
	for (size_t a = counters->axis_count - 1; a > axis; a--)
		cell /= counters->axes[a].size;
	return cell % counters->axes[axis].size;
}

uint64_t counters_sum(const struct counters *counters, size_t axis, size_t index)
{
	uint64_t sum = 0;

	for (size_t cell = 0; cell < counters->cell_count; cell++) {
		if (index_of(counters, cell, axis) == index)
			sum += read_cell(counters, cell);
	}
	return sum;
}

/*
 * Return the object at a key, borrowed, after making it if it does not exist. Returns NULL when out
 * of memory.
 */
static json_t *object_at(json_t *object, const char *key)
{
	json_t *inner = json_object_get(object, key);

	if (inner == NULL && json_object_set_new(object, key, json_object()) == 0)
		inner = json_object_get(object, key);
	return inner;
}

json_t *counters_json(const struct counters *counters)
{
	json_t *all = json_object(), *object;
	uint64_t count;
	size_t axis;

	for (size_t cell = 0; cell < counters->cell_count; cell++) {
		if ((count = read_cell(counters, cell)) == 0)
			continue;
		object = all;
		for (axis = 0; object != NULL && axis + 1 < counters->axis_count; axis++)
			object = object_at(object,
				counters->axes[axis].name(index_of(counters, cell, axis)));
		if (json_object_set_new(object,
			    counters->axes[axis].name(index_of(counters, cell, axis)),
			    json_integer((json_int_t)count)) != 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}
