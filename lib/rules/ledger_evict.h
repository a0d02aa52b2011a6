#ifndef POSTERN_LEDGER_EVICT_H
#define POSTERN_LEDGER_EVICT_H

#include "lib/rules/ledger_private.h"

/* Making room in a full ledger. No lock is held when these functions are called. */

/* Lock the shard of a key, and find its entry. */
struct ledger_entry *ledger_lock_key(struct ledger *ledger, const char *key, size_t len,
	struct ledger_shard **shard_r);
void ledger_unlock(struct ledger_shard *shard);

/* Return the shard of a key that ends with a NUL. */
struct ledger_shard *ledger_key_shard(struct ledger *ledger, const char *key);

/* The state of an overflow key: it counts something, it can be made, or neither. */
enum overflow { OVERFLOW_COUNTS, OVERFLOW_FITS, OVERFLOW_TOO_MANY };

enum overflow ledger_look_at_overflow(struct ledger *ledger, const char *key, uint64_t now);

/* Remove a key of a network that has more keys than this number, and let its overflow key count
 * instead. Returns false if there is none. */
bool ledger_evict(struct ledger *ledger, struct ledger_shard *shard, uint64_t now, size_t others);

/* Remove an overflow key, and add its counts to that of all networks. Returns false likewise. */
bool ledger_merge_overflow(struct ledger *ledger, struct ledger_shard *shard, uint64_t now);

/* Remove keys until the shard is within its bound, or a number of keys. */
void ledger_shrink(struct ledger *ledger, struct ledger_shard *shard, uint64_t now);

#endif
