/*
 * The local ledger: looking at several keys at once, charging them all or none, and forgetting a
 * key. Owns the shards; any thread may call it.
 */
#include "lib/rules/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_format.h"
#include "lib/rules/ledger_private.h"

static void free_ledger(struct ledger *ledger)
{
	free(ledger->networks);
	free(ledger->traces);
	free(ledger);
}

struct ledger *ledger_new(void)
{
	struct ledger *ledger = aligned_alloc(_Alignof(struct ledger), sizeof(*ledger));

	if (ledger == NULL)
		return NULL;
	memset(ledger, 0, sizeof(*ledger));
	ledger->traces = calloc(LEDGER_SHARDS, sizeof(*ledger->traces));
	ledger->networks = calloc(1, sizeof(*ledger->networks));
	if (ledger->traces == NULL || ledger->networks == NULL) {
		free_ledger(ledger);
		return NULL;
	}
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		ledger->shards[i].share = SIZE_MAX;
		ledger->shards[i].ledger = ledger;
		if (pthread_mutex_init(&ledger->shards[i].lock, NULL) == 0)
			continue;
		while (i-- > 0)
			(void)pthread_mutex_destroy(&ledger->shards[i].lock);
		free_ledger(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger **ledger)
{
	struct ledger *gone = *ledger;
	struct ledger_shard *shard;

	*ledger = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		shard = &gone->shards[i];
		for (size_t j = 0; j < shard->bucket_count; j++) {
			while (shard->buckets[j] != NULL)
				shard_remove(shard, shard->buckets[j]);
		}
		free(shard->buckets);
		(void)pthread_mutex_destroy(&shard->lock);
	}
	free_ledger(gone);
}

void ledger_expect(struct ledger *ledger, size_t keys)
{
	/* The shards differ a little in their numbers of keys; a few grow once more. */
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		(void)pthread_mutex_lock(&ledger->shards[i].lock);
		shard_expect(&ledger->shards[i], keys / LEDGER_SHARDS);
		(void)pthread_mutex_unlock(&ledger->shards[i].lock);
	}
}

void ledger_on_charge(struct ledger *ledger, ledger_save_fn *save, void *context)
{
	ledger->save = save;
	ledger->context = context;
}

void ledger_on_saved(struct ledger *ledger, ledger_settle_fn *settle)
{
	ledger->settle = settle;
}

enum ledger_answer ledger_look(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[])
{
	struct ledger_bounded bounded;
	enum ledger_answer answer;
	struct ledger_call c;

	ledger_call_init(&c, ledger, now, requests, count);
	if (ledger_is_tight(ledger))
		ledger_bound(&c, false, &bounded);
	if (ledger_call_begin(&c) != 0)
		return LEDGER_FAILED;
	answer = ledger_call_inherit(&c) == 0 ? ledger_call_usage(&c, usage_r) : LEDGER_FAILED;
	ledger_call_end(&c);
	return answer;
}

static enum ledger_answer charge_all(struct ledger_call *c, bool must_save, bool *is_saved_r)
{
	if (ledger_call_change(c, LEDGER_CHARGED, must_save, is_saved_r) != 0)
		return LEDGER_FAILED;
	for (size_t i = 0; i < c->count; i++)
		entry_add(c->entry[i], c->now, c->requests[i].amount);
	return LEDGER_FREE;
}

enum ledger_answer ledger_charge(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[])
{
	struct ledger_bounded bounded;
	enum ledger_answer answer;
	struct ledger_call c;
	bool is_saved = false;

	ledger_call_init(&c, ledger, now, requests, count);
	if (ledger_bound_begin(&c, &bounded) != 0)
		return LEDGER_FAILED;
	answer = ledger_call_usage(&c, usage_r);
	if (answer == LEDGER_FREE && (answer = charge_all(&c, must_save, &is_saved)) == LEDGER_FREE)
		ledger_call_usage_after(&c, usage_r);
	ledger_call_end(&c);
	if (is_saved && ledger_settle(ledger, true) != 0) {
		(void)__atomic_add_fetch(&ledger->unsaved, 1, __ATOMIC_RELAXED);
		answer = must_save ? LEDGER_FAILED : answer;
	}
	return answer;
}

int ledger_forget(struct ledger *ledger, uint64_t now, const char *key, size_t key_len)
{
	const struct ledger_request request = { .key = key, .key_len = key_len };
	struct ledger_call c;
	int ret = 0;

	ledger_call_init(&c, ledger, now, &request, 1);
	if (ledger_call_begin(&c) != 0)
		return 0;
	if (c.entry[0] != NULL) {
		ret = ledger_call_save(&c, LEDGER_FORGOTTEN) == 0 ? 1 : -1;
		if (ret == 1)
			entry_forget(c.shard[0], c.entry[0]);
	}
	ledger_call_end(&c);
	if (ret == 1 && ledger_settle(ledger, false) != 0)
		(void)__atomic_add_fetch(&ledger->unsaved, 1, __ATOMIC_RELAXED);
	return ret;
}
