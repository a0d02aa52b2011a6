#ifndef POSTERN_LEDGER_H
#define POSTERN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rules/ledger_ops.h"

/*
 * The local ledger: the counts of one process, in its memory. It is separate from any policy.
 * ledger_ops.h defines its terms, keys and time.
 *
 * Any thread may call any function: the keys are spread over LEDGER_SHARDS shards, each with a
 * lock. A window that is new to a key starts with the counts of the key's longest other window. The
 * ledger uses memory only for keys that were charged within their longest window; it frees the
 * others gradually, at each new key and in ledger_sweep().
 */
struct ledger;

#define LEDGER_SHARDS 64

/*
 * Bound the ledger by a number of keys and of bytes; 0: no bound. Each shard has its part of the
 * bound. A network may have as large a part of the keys for which there is room as this room is of
 * the ledger, so that a few networks cannot fill it: one fills three eighths of it, and a hundred
 * leave a hundredth. A new key of a network that has its share, or in a full shard, makes room by
 * removing a key of a network that has more keys, and of several such keys the one that is farthest
 * from its limits. If no network has more keys, the new key counts in the overflow key of its table
 * and network ("rate_rcpt:overflow 192.0.2.0/24"), with the limits of its request. While an
 * overflow key counts anything, all new keys of its table and network that find no room count
 * there: a flood from one network is held to one limit, and takes no room from networks with fewer
 * keys. The networks of an IPv6 /32 together count like sixteen; if they are more, they have the
 * overflow key of the /32 ("rate_rcpt:overflow 2001:db8::/32").
 *
 * What is removed when, and into what:
 *
 * - A key without origin (a login's, or of an entry of the configuration): never. It always finds
 *   room.
 * - A key above half of a limit, or with open reservations: never.
 * - Any other key, to make room for a key of a network with fewer keys, or after the bound was
 *   lowered: its counts and attempts are added to the overflow key of its table and network, or to
 *   that of all networks ("rate_rcpt:overflow all") if there are too many overflow keys and none
 *   can be removed.
 * - An overflow key of a network or /32 without open reservations, when there are too many: into
 *   that of all networks. Too many are more than an eighth of the bound, but two in each shard
 *   are not.
 * - An overflow key of all networks: never. There is one for each table.
 *
 * Whatever is removed leaves a trace of a fixed size: how much it counted. When it returns in a
 * request, it begins with as much of the counts in the overflow keys as its trace contains: a key
 * with up to half of each limit, because none above that is removed, an overflow key with up to all
 * of it. Therefore neither a limit nor the one limit of a flooding network begins anew, and what
 * was never removed begins with nothing, whoever has flooded the ledger. Traces may coincide: of
 * 6,000 removed overflow keys, one network in a hundred shares the trace of another. They are not
 * saved: after a start, what an earlier process removed begins with half of each limit, and so does
 * all that is new while the counts of overflow keys from before the start last.
 *
 * The worst that a flood from N networks in T tables can do:
 *
 * - to a login, or a key above half of a limit: nothing.
 * - to a key of another network below that: it is removed if each of the N has fewer keys than its
 *   network, and begins with its own counts when it returns.
 * - to a new key of another network: while any key can be removed, it has all of its limit, or half
 *   of it if its trace coincides. All new keys of the other network share one limit, that of its
 *   overflow key, if the N networks leave it no larger share than it already has, or if they fill
 *   the ledger with keys above half of their limits. To fill a ledger of a million keys takes more
 *   than a thousand networks. A new key is refused at once only if its trace coincides with that of
 *   a network at its limit, or if messages of the flood are open in all overflow keys of the shard:
 *   an eighth of the bound at least.
 * - to a network whose keys are counted at the same two places as those of networks of the flood:
 *   it is taken for one of these. Of 6,000 networks, one other network in a hundred shares the
 *   places.
 *
 * So the ledger contains as many keys as its bound allows, an eighth of it more (or two for each
 * shard) in overflow keys, one for each table, one for each thread, and the keys without origin
 * that exceed it. Each counter of a stranger's key counts as the memory of eight runs from its
 * beginning. When two thirds of a shard's bytes are used, such a counter takes no more than that,
 * so that its charges count up to a quarter of the window too long. Reservations and attempts take
 * memory beyond the bound: at worst, as much again. The traces and the counts of networks take 3 MB
 * in addition. Any thread.
 */
void ledger_set_bounds(struct ledger *ledger, size_t keys, size_t bytes);

struct ledger *ledger_new(void); /* NULL when out of memory */
void ledger_free(struct ledger **ledger);

/* The ledger as the checks see it; valid as long as the ledger. */
struct ledger_ops ledger_ops(struct ledger *ledger);

/* The operations of ledger_ops.h. */
enum ledger_answer ledger_look(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[]);
enum ledger_answer ledger_charge(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[]);
enum ledger_answer ledger_reserve(struct ledger *ledger, uint64_t now, struct ledger_hold **hold,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[]);
void ledger_commit(struct ledger *ledger, uint64_t now, struct ledger_hold **hold);
void ledger_give_back(struct ledger *ledger, uint64_t now, struct ledger_hold **hold);
int ledger_forget(struct ledger *ledger, uint64_t now, const char *key, size_t key_len);
int ledger_each(struct ledger *ledger, uint64_t now, ledger_each_fn *each, void *context);
bool ledger_find(struct ledger *ledger, uint64_t now, const char *key, size_t key_len,
	ledger_each_fn *each, void *context);
struct ledger_size ledger_size(struct ledger *ledger);

/*
 * Make final the reservations that were open when an earlier process ended: they are charged now.
 * Call it after
 * the ledger was restored, and before the first reservation. The change is saved if it can be.
 */
void ledger_restart(struct ledger *ledger, uint64_t now);

/* Free the idle keys of the next part, a 64th, of each shard, and remove keys over the bound. Not
 * while a pass of ledger_write_some() is under way: the caller writes checkpoints, too. */
void ledger_sweep(struct ledger *ledger, uint64_t now);

/* The change that a record describes. The numbers are those of the files. */
enum ledger_change {
	LEDGER_CHARGED = 1,    /* the amount is counted */
	LEDGER_RESERVED = 2,   /* the amount is reserved */
	LEDGER_COMMITTED = 3,  /* the amount, of which `released` was reserved, is counted */
	LEDGER_GIVEN_BACK = 4, /* the amount, of which `released` was reserved, is an attempt */
	LEDGER_FORGOTTEN = 5,  /* nothing of the key counts any more */
	LEDGER_RESTARTED = 6,  /* of all keys, without a key: all reservations are counted */
};

/* Return whether the change may make a key. */
static inline bool ledger_change_makes_key(enum ledger_change change)
{
	return change == LEDGER_CHARGED || change == LEDGER_RESERVED;
}

/* A change of one key. Borrowed. */
struct ledger_record {
	uint64_t seq; /* increases with each record of a key */
	uint64_t now;
	enum ledger_change change;
	const char *key;
	size_t key_len;
	uint32_t amount;
	/* Less than the amount if the reservation was not saved, or forgotten. If the change makes
	 * the key: the most that it begins with from overflow keys. */
	uint32_t released;
	/* Of the request; for LEDGER_GIVEN_BACK. If the change makes the key: the most attempts
	 * that it begins with. */
	uint32_t attempts;
	struct ledger_origin origin;
	size_t limit_count;
	struct limit limits[LEDGER_WINDOWS_MAX]; /* the windows that count the change */
};

/*
 * Save records so that they outlive the process. It is called before the change takes effect, with
 * the locks of the keys held, and therefore never for one key in two threads at once. It must not
 * call the ledger, or wait for a disk. Returns 0, or -1 to have the change refused.
 */
typedef int ledger_save_fn(void *context, const struct ledger_record *records, size_t count);

/*
 * Wait until the records that this thread saved last have been written. It is called without locks,
 * after the change took effect and before its caller learns of it. may_hang: the thread may write
 * them itself, and then waits as long as the disk does. Returns 0, or -1 if they are not written:
 * the change is then refused, or counts as unsaved.
 */
typedef int ledger_settle_fn(void *context, bool may_hang);

/* Set the function that saves; NULL for none. No other thread may use the ledger at that time. */
void ledger_on_charge(struct ledger *ledger, ledger_save_fn *save, void *context);

/* Set the function that waits; NULL (the default): what was saved is written. Likewise. */
void ledger_on_saved(struct ledger *ledger, ledger_settle_fn *settle);

#endif
