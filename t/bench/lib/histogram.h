#ifndef POSTERN_BENCH_HISTOGRAM_H
#define POSTERN_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Powers of two up to 2^HISTOGRAM_MAX_POWER ns (18 minutes), each cut into HISTOGRAM_SLICES. */
#define HISTOGRAM_SLICE_BITS 6
#define HISTOGRAM_SLICES (1u << HISTOGRAM_SLICE_BITS)
#define HISTOGRAM_MAX_POWER 40
#define HISTOGRAM_BUCKETS \
	((size_t)(HISTOGRAM_MAX_POWER - HISTOGRAM_SLICE_BITS + 2) * HISTOGRAM_SLICES)

/*
 * Durations in nanoseconds, with an error of at most 1/64. A histogram of zeros is empty. A plain
 * value with one writer at a time.
 */
struct histogram {
	uint64_t count, total_ns, max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Count one duration. The last bucket also counts all longer ones. */
void histogram_add(struct histogram *histogram, uint64_t ns);

/* Add everything counted in `from` to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Return the duration in ns that `percent` (0..100) of the counted ones do not exceed; 0 if empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* Return the mean in ns; 0 if empty. */
double histogram_mean(const struct histogram *histogram);

#endif
