#ifndef POSTERN_LEDGER_OPS_H
#define POSTERN_LEDGER_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/rules/limits.h"

/*
 * The ledger as the checks see it: how much was charged to each key, and whether its limits allow
 * more. Behind these operations is the local ledger (lib/rules/ledger.h) or, in front of it, a
 * store that several hosts share.
 *
 * A final event, such as a connection, is charged at once. A recipient is reserved until the end of
 * its message decides whether anything is sent:
 *
 * - An open reservation counts in full in every window of its key, however old it is and however
 *   often the limits change meanwhile.
 * - commit(), when the message is accepted at its end, makes the reservations of the message final:
 *   charges of that moment, not of the moment at which they were reserved.
 * - give_back(), when the message is not sent, removes them. Each amount given back counts as an
 *   attempt of that moment, because the reservation has shown that the recipient would be accepted.
 *   A key may have limit.count times ledger_request.attempts attempts in each window.
 * - When the process ends, in whatever way, the open reservations become final at the next start,
 *   because their messages may have been sent.
 * - forget() removes everything that counts, including open reservations. A commit that follows
 *   counts, because the message is sent after the key was forgotten; giving back changes nothing.
 *
 * Therefore final charges and open reservations together never exceed a limit, and no window,
 * wherever it begins, contains more final charges than the limit allows.
 *
 * A ledger may be bounded. When it is full, a key that a stranger made new makes room by removing
 * another one, or counts in the overflow key of its table and network; see ledger.h.
 *
 * A key is any text ("login:bob", "rate_conn:192.0.2.7"). Each call brings the key's limits, so
 * they may change at any time. Time is in microseconds from any starting point and comes from the
 * caller. It should not go back; if it does so a little, no limit widens.
 */

#define LEDGER_REQUESTS_MAX 16 /* keys of one call */
#define LEDGER_KEY_MAX 2100    /* bytes; a longer key cannot be charged */
#define LEDGER_WINDOWS_MAX 16  /* of one key: its limits, and those that it had recently */

/*
 * The network of the client that causes a charge: the first 24 bits of an IPv4 address, the first
 * 48 of an IPv6 address. A plain value. All zero: strangers cannot make such keys up (a login's, or
 * that of an entry of the configuration), and it is never removed to make room.
 */
struct ledger_origin {
	uint8_t family; /* 4, 6, or LEDGER_ORIGIN_UNKNOWN */
	uint8_t net[6];
};
#define LEDGER_ORIGIN_UNKNOWN 1

/* A key, its limits, and the amount to be charged. Borrowed for the call. */
struct ledger_request {
	const char *key;
	size_t key_len;
	const struct limit *limits; /* a limit with the count 0 allows nothing */
	size_t limit_count;	    /* 1..LIMITS_MAX; look() also accepts 0 */
	uint32_t amount;	    /* at least 1 */
	uint32_t attempts;	    /* how often each limit's count may be given back; 0: any */
	struct ledger_origin origin;
};

#define LEDGER_OVERFLOW "overflow"

/* Return whether the key is an overflow key: "rate_rcpt:overflow 192.0.2.0/24". The key of a login,
 * which may be "overflow bob", is none. */
static inline bool ledger_key_is_overflow(const char *key, size_t len)
{
	static const char overflow[] = ":" LEDGER_OVERFLOW " ", of_login[] = "login:";
	const char *colon = memchr(key, ':', len);

	return colon != NULL && (size_t)(key + len - colon) >= sizeof(overflow) - 1 &&
		memcmp(colon, overflow, sizeof(overflow) - 1) == 0 &&
		memcmp(key, of_login, sizeof(of_login) - 1) != 0;
}

enum ledger_answer {
	LEDGER_FREE,   /* look: there is room; charge: the amounts are counted */
	LEDGER_FULL,   /* a limit refuses; nothing was counted */
	LEDGER_FAILED, /* out of memory, too many requests, too long a key, or not saved; nothing
			  was counted, except by a charge() during which saving began to fail */
};

/* "192.0.2.0/24", "2001:db8:1::/48", "all" or "unknown", as in the names of overflow keys. */
#define LEDGER_NETWORK_SIZE 54

/* How full a limit is; after a charge, including that charge. A plain value. */
struct ledger_usage {
	bool is_full;	       /* the limit refuses the amount */
	bool is_full_alone;    /* one of the request's limits would refuse it even if there were no
				  reservations of other messages */
	bool is_attempts;      /* the attempts refuse the amount, for `wait` */
	uint32_t open;	       /* the part of `used` that is reserved */
	struct limit limit;    /* seconds is 0 when the request had no limits */
	uint64_t used;	       /* counted in the window, including open reservations */
	uint32_t attempts;     /* given back in the window */
	uint32_t attempts_max; /* 0: any number */
	uint64_t wait;	       /* microseconds until the amount fits (after a charge: until the same
				  amount fits again), if open reservations became final now;
				  UINT64_MAX when it never will */
	/* The network with whose other keys the key is counted, in an overflow key, because the
	 * ledger has no room for it; "": it has its own count. */
	char shared[LEDGER_NETWORK_SIZE];
};

/* The reservations of one message; NULL if there are none. */
struct ledger_hold;

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
	bool is_full;	  /* some new keys make room by removing others, or overflow */
	uint64_t evicted; /* keys, also overflow keys, that were removed to make room */
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
	 */
	enum ledger_answer (*charge)(void *context, uint64_t now,
		const struct ledger_request *requests, size_t count, bool must_save,
		struct ledger_usage usage_r[]);

	/*
	 * The same, but the amounts are reserved, and added to *hold, which belongs to the message
	 * and is used by one thread at a time. A hold takes some 30 bytes for each of its keys.
	 */
	enum ledger_answer (*reserve)(void *context, uint64_t now, struct ledger_hold **hold,
		const struct ledger_request *requests, size_t count, bool must_save,
		struct ledger_usage usage_r[]);

	/*
	 * End all reservations of *hold: make them final, or give them back. Neither can fail.
	 * A reservation whose end cannot be saved stays in the files until their next checkpoint;
	 * if the process ends before, it becomes final at the next start.
	 * *hold is freed and becomes NULL; it may be NULL before.
	 */
	void (*commit)(void *context, uint64_t now, struct ledger_hold **hold);
	void (*give_back)(void *context, uint64_t now, struct ledger_hold **hold);

	/*
	 * Forget a key. Returns 1, or 0 when the key does not exist, or -1 when this could not be
	 * saved: then the key remains. If saving begins to fail meanwhile, the key is forgotten,
	 * and this adds to ledger_size.unsaved.
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
