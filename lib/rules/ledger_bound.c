/*
 * The bound of the local ledger: how a call counts its new keys when the ledger is full. Owns
 * nothing; any thread may call it, without locks.
 */
#include <string.h>

#include "lib/rules/ledger_evict.h"

void ledger_set_bounds(struct ledger *ledger, size_t keys, size_t bytes)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		struct ledger_shard *shard = &ledger->shards[i];

		(void)pthread_mutex_lock(&shard->lock);
		shard->max_entries = keys == 0 ? 0 : keys / LEDGER_SHARDS + 1;
		shard->max_bytes = bytes == 0 ? 0 : bytes / LEDGER_SHARDS + 1;
		(void)shard_is_over(shard);
		(void)pthread_mutex_unlock(&shard->lock);
	}
}

static bool has_key(struct ledger *ledger, const char *key, size_t len)
{
	struct ledger_shard *shard;
	const bool exists = ledger_lock_key(ledger, key, len, &shard) != NULL;

	ledger_unlock(shard);
	return exists;
}

/* Return whether a new key of this origin needs no room made for it. */
static bool has_room(const struct ledger_shard *shard, const struct ledger_origin *origin)
{
	const size_t share = __atomic_load_n(&shard->share, __ATOMIC_RELAXED);

	return share == SIZE_MAX ||
		(share > 0 &&
			(origin->family == 0 ||
				ledger_network_keys(shard->ledger, origin) < share));
}

/* Return whether a new key of a stranger has to count in an overflow key, whose name is then set.
 */
static bool overflows(struct ledger *ledger, struct ledger_shard *shard, uint64_t now,
	const struct ledger_request *request, bool evicts, char key_r[OVERFLOW_KEY_SIZE])
{
	enum overflow found;

	if (has_room(shard, &request->origin))
		return false;
	ledger_overflow_key(request->key, request->key_len, &request->origin,
		ledger_overflow_scope(ledger, &request->origin), key_r);
	found = ledger_look_at_overflow(ledger, key_r, now);
	if (found == OVERFLOW_COUNTS)
		return true;
	if (!evicts ||
		ledger_evict(ledger, shard, now, ledger_network_keys(ledger, &request->origin)))
		return false;
	if (found == OVERFLOW_TOO_MANY &&
		!ledger_merge_overflow(ledger, ledger_key_shard(ledger, key_r), now))
		ledger_overflow_key(request->key, request->key_len, NULL, OVERFLOW_ALL, key_r);
	return true;
}

/* Let a request count in the overflow key whose name is in *bounded. */
static void overflow_request(struct ledger_call *call, size_t i, struct ledger_bounded *bounded)
{
	struct ledger_request *request = &bounded->requests[i];

	ledger_call_set_inherits(call, i,
		ledger_hash(call->requests[i].key, call->requests[i].key_len));
	if (call->requests != bounded->requests)
		memcpy(bounded->requests, call->requests, call->count * sizeof(*call->requests));
	call->requests = bounded->requests;
	request->key = bounded->keys[i];
	request->key_len = strlen(bounded->keys[i]);
	request->origin = (struct ledger_origin){ .family = 0 };
}

/* Decide how the key of a request is counted if it is new. */
static void bound_request(struct ledger_call *call, size_t i, bool evicts,
	struct ledger_bounded *bounded)
{
	const struct ledger_request *r = &call->requests[i];
	struct ledger_shard *shard = ledger_shard_of(call->ledger, ledger_hash(r->key, r->key_len));

	if ((r->origin.family == 0 && has_room(shard, &r->origin)) || r->key_len > LEDGER_KEY_MAX ||
		has_key(call->ledger, r->key, r->key_len))
		return;
	if (r->origin.family != 0 &&
		overflows(call->ledger, shard, call->now, r, evicts, bounded->keys[i]))
		overflow_request(call, i, bounded);
	else if (r->origin.family != 0)
		ledger_call_set_inherits(call, i, 0);
	else if (evicts)
		(void)ledger_evict(call->ledger, shard, call->now, 0);
}

void ledger_bound(struct ledger_call *call, bool evicts, struct ledger_bounded *bounded)
{
	if (call->count > LEDGER_REQUESTS_MAX)
		return; /* ledger_call_begin() refuses them */
	for (size_t i = 0; i < call->count; i++)
		bound_request(call, i, evicts, bounded);
}

/* Return whether a key was removed after ledger_bound() had found it. */
static bool lacks_key(const struct ledger_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		if (call->entry[i] == NULL && call->requests[i].origin.family != 0 &&
			!call->inherits[i] && ledger_is_tight(call->ledger))
			return true;
	}
	return false;
}

int ledger_bound_begin(struct ledger_call *call, struct ledger_bounded *bounded)
{
	const struct ledger_request *requests = call->requests;

	for (size_t i = 0; i < call->count; i++) {
		if (requests[i].limit_count == 0)
			return -1;
	}
	for (;;) {
		if (ledger_is_tight(call->ledger))
			ledger_bound(call, true, bounded);
		if (ledger_call_begin(call) != 0)
			return -1;
		if (!lacks_key(call)) {
			if (!call->any_inherits || ledger_call_inherit(call) == 0)
				return 0;
			ledger_call_end(call);
			return -1;
		}
		ledger_call_end(call);
		ledger_call_init(call, call->ledger, call->now, requests, call->count);
	}
}
