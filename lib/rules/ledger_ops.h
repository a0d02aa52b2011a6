#ifndef POSTERN_LEDGER_OPS_H
#define POSTERN_LEDGER_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rules/limits.h"

/*
 * The ledger as the checks see it: how much was charged to each key, and whether its limits allow
 * more. Behind these operations is the local ledger (lib/rules/ledger.h) or, in front of it, a
 * store that several hosts share.
 *
 * A key is any text ("login:bob", "rate_conn:192.0.2.7"). Each call brings the key's limits, so
 * they may change at any time. Time is in microseconds from any starting point and comes from the
 * caller. It should not go back; if it does so a little, no limit widens.
 */

#define LEDGER_REQUESTS_MAX 8 /* keys of one call */
#define LEDGER_KEY_MAX 2100   /* bytes; a longer key cannot be charged */
#define LEDGER_WINDOWS_MAX 16 /* of one key: its limits, and those that it had recently */

/* A key, its limits, and the amount to be charged. Borrowed for the call. */
struct ledger_request {
	const char *key;
	size_t key_len;
	const struct limit *limits; /* a limit with the count 0 allows nothing */
	size_t limit_count;	    /* 1..LIMITS_MAX; ledger_look() also accepts 0 */
	uint32_t amount;	    /* at least 1 */
};

enum ledger_answer {
	LEDGER_FREE,   /* look: there is room; charge: the amounts are counted */
	LEDGER_FULL,   /* a limit refuses; nothing was counted */
	LEDGER_FAILED, /* out of memory, too many requests, too long a key, or not saved; nothing
			  was counted */
};

/* How full a limit is; after a charge, including that charge. A plain value. */
struct ledger_usage {
	bool is_full;	    /* the limit refuses the amount */
	struct limit limit; /* seconds is 0 when the request had no limits */
	uint64_t used;	    /* counted in the window */
	uint64_t wait;	    /* microseconds until the amount fits (after a charge: until the same
			       amount fits again); UINT64_MAX when it never will */
};

/* A key and the usage of its windows. Borrowed. */
struct ledger_view {
	const char *key; /* followed by a NUL */
	size_t key_len;
	struct ledger_usage windows[LEDGER_WINDOWS_MAX]; /* with the limit of the latest request */
	size_t window_count;
};

/* Returns 0 to continue. It may be called with a lock held and must not call the ledger. */
typedef int ledger_each_fn(void *context, const struct ledger_view *view);

/* The size of a ledger. A plain value. */
struct ledger_size {
	size_t keys;
	size_t bytes;	  /* memory */
	uint64_t unsaved; /* charges that are counted although they could not be saved */
};

/*
 * The operations. Each receives the context as its first argument; any thread may call any of them.
 * No key may occur twice in one call.
 */
struct ledger_ops {
	void *context;

	/*
	 * Report whether every limit of every request has room. Counts nothing. usage_r has room
	 * for one usage per request: the refusing limit with the longest wait or, when none
	 * refuses, the limit that is nearest to full.
	 */
	enum ledger_answer (*look)(void *context, uint64_t now,
		const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[]);

	/*
	 * Count all requests if all have room, in one step, whatever other threads do. Then usage_r
	 * holds the usage after the charge: that of the limit with the longest wait among those
	 * that would refuse the next charge or, when there are none, of the limit that is nearest
	 * to full. With must_save false, a charge that cannot be saved is counted anyway and adds
	 * to ledger_size.unsaved.
	 *
	 * A charge is final: it reserves and commits at once. To reserve, commit and give back
	 * separately, this interface would need further operations, and the file format would have
	 * to record since when each window counts. Otherwise an amount could be given back to a
	 * window that never counted it.
	 */
	enum ledger_answer (*charge)(void *context, uint64_t now,
		const struct ledger_request *requests, size_t count, bool must_save,
		struct ledger_usage usage_r[]);

	/*
	 * Forget a key. Returns 1, or 0 when the key does not exist, or -1 when this could not be
	 * saved: then the key remains.
	 */
	int (*forget)(void *context, uint64_t now, const char *key, size_t key_len);

	/* Call each() for every key until it returns a value other than 0. Returns that value, or
	 * 0. */
	int (*each)(void *context, uint64_t now, ledger_each_fn *each, void *each_context);

	/* Call each() for one key. Returns false when the key does not exist. */
	bool (*find)(void *context, uint64_t now, const char *key, size_t key_len,
		ledger_each_fn *each, void *each_context);

	void (*size)(void *context, struct ledger_size *size_r);
};

#endif
