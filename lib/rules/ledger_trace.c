/*
 * Traces of the keys that were removed from a shard of the ledger, or charged to an overflow key
 * instead of to their own entry. Owns the traces; callers hold the shard's lock.
 */
#include "lib/rules/ledger_private.h"

#define TRACE_PLACES 2

/* Find the traces of a key. Its shard and its bucket depend on other parts of the hash. */
static void find_traces(const struct ledger_shard *shard, uint64_t hash, enum trace_kind kind,
	struct ledger_trace *traces_r[TRACE_PLACES])
{
	struct ledger_shard_traces *all = &shard->ledger->traces[shard - shard->ledger->shards];
	struct ledger_trace *traces = kind == TRACE_KEY ? all->keys : all->overflows;
	const size_t last = (kind == TRACE_KEY ? LEDGER_KEY_TRACES : LEDGER_OVERFLOW_TRACES) - 1;

	traces_r[0] = &traces[(hash >> 40) & last];
	traces_r[1] = &traces[(hash >> 52) & last];
}

static uint32_t seconds_of(uint64_t now)
{
	return (uint32_t)(now / 1000000);
}

static void lower_to(uint32_t *number, uint32_t to)
{
	if (*number > to)
		*number = to;
}

static void raise_to(uint32_t *number, uint32_t to)
{
	if (*number < to)
		*number = to;
}

struct ledger_past shard_past(const struct ledger_shard *shard, uint64_t hash, enum trace_kind kind,
	uint64_t now)
{
	struct ledger_past past = { UINT32_MAX, UINT32_MAX };
	struct ledger_trace *traces[TRACE_PLACES];

	find_traces(shard, hash, kind, traces);
	for (int i = 0; i < TRACE_PLACES; i++) {
		const bool counts = traces[i]->until > seconds_of(now);

		lower_to(&past.amount, counts ? traces[i]->past.amount : 0);
		lower_to(&past.given_back, counts ? traces[i]->past.given_back : 0);
	}
	if (seconds_of(now) < shard->ledger->untraced_until) {
		past.amount |= LEDGER_PAST_UNKNOWN;
		past.given_back |= LEDGER_PAST_UNKNOWN;
	}
	return past;
}

void shard_trace(struct ledger_shard *shard, uint64_t hash, enum trace_kind kind, uint64_t now,
	struct ledger_past past, uint32_t seconds)
{
	struct ledger_trace *traces[TRACE_PLACES];

	find_traces(shard, hash, kind, traces);
	for (int i = 0; i < TRACE_PLACES; i++) {
		struct ledger_trace *trace = traces[i];

		if (trace->until <= seconds_of(now))
			*trace = (struct ledger_trace){ .until = 0 };
		raise_to(&trace->past.amount, past.amount & ~LEDGER_PAST_UNKNOWN);
		raise_to(&trace->past.given_back, past.given_back & ~LEDGER_PAST_UNKNOWN);
		raise_to(&trace->until, ledger_trace_until(now, seconds));
	}
}
