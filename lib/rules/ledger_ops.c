/*
 * The local ledger behind the interface of the checks: each operation passes its context on to the
 * function of ledger.h. Owns nothing; any thread may call it.
 */
#include "lib/rules/ledger.h"

static enum ledger_answer local_look(void *context, uint64_t now,
	const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[])
{
	return ledger_look(context, now, requests, count, usage_r);
}

static enum ledger_answer local_charge(void *context, uint64_t now,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[])
{
	return ledger_charge(context, now, requests, count, must_save, usage_r);
}

static enum ledger_answer local_reserve(void *context, uint64_t now, struct ledger_hold **hold,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[])
{
	return ledger_reserve(context, now, hold, requests, count, must_save, usage_r);
}

static void local_commit(void *context, uint64_t now, struct ledger_hold **hold)
{
	ledger_commit(context, now, hold);
}

static void local_give_back(void *context, uint64_t now, struct ledger_hold **hold)
{
	ledger_give_back(context, now, hold);
}

static int local_forget(void *context, uint64_t now, const char *key, size_t key_len)
{
	return ledger_forget(context, now, key, key_len);
}

static int local_each(void *context, uint64_t now, ledger_each_fn *each, void *each_context)
{
	return ledger_each(context, now, each, each_context);
}

static bool local_find(void *context, uint64_t now, const char *key, size_t key_len,
	ledger_each_fn *each, void *each_context)
{
	return ledger_find(context, now, key, key_len, each, each_context);
}

static void local_size(void *context, struct ledger_size *size_r)
{
	*size_r = ledger_size(context);
}

struct ledger_ops ledger_ops(struct ledger *ledger)
{
	return (struct ledger_ops){
		.context = ledger,
		.look = local_look,
		.charge = local_charge,
		.reserve = local_reserve,
		.commit = local_commit,
		.give_back = local_give_back,
		.forget = local_forget,
		.each = local_each,
		.find = local_find,
		.size = local_size,
	};
}
