/*
 * Counts durations in buckets of logarithmic width. A histogram belongs to one thread; the results
 * of several threads are merged at the end.
 */
#include "t/bench/lib/histogram.h"

#include <stddef.h>

static size_t bucket_of(uint64_t ns)
{
	unsigned int power;
	size_t bucket;

	if (ns < HISTOGRAM_SLICES)
		return (size_t)ns; /* exact */
	power = 63u - (unsigned int)__builtin_clzll(ns);
	bucket = (size_t)(power - HISTOGRAM_SLICE_BITS + 1) * HISTOGRAM_SLICES +
		((ns >> (power - HISTOGRAM_SLICE_BITS)) & (HISTOGRAM_SLICES - 1));
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest duration that falls into a bucket. */
static uint64_t bucket_end(size_t bucket)
{
	size_t power = bucket / HISTOGRAM_SLICES, slice = bucket % HISTOGRAM_SLICES;

	if (power == 0)
		return slice;
	return ((uint64_t)(HISTOGRAM_SLICES + slice + 1) << (power - 1)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	histogram->buckets[bucket_of(ns)]++;
	histogram->count++;
	histogram->total_ns += ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
	into->count += from->count;
	into->total_ns += from->total_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t seen = 0, wanted = (uint64_t)((double)histogram->count * percent / 100.0 + 0.5);

	if (histogram->count == 0)
		return 0;
	if (wanted == 0)
		wanted = 1;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted) {
			uint64_t end = bucket_end(i);

			return end < histogram->max_ns ? end : histogram->max_ns;
		}
	}
	return histogram->max_ns;
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->count == 0 ? 0.0 : (double)histogram->total_ns / (double)histogram->count;
}
