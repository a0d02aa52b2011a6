#ifndef POSTERN_LEDGER_PRIVATE_H
#define POSTERN_LEDGER_PRIVATE_H

#include <pthread.h>

#include "lib/rules/ledger.h"
#include "lib/rules/ledger_counter.h"

/* The ledger's own parts, for lib/rules/ledger*.c. */

/*
 * A key, with a counter for each window, in one piece of memory: a call reads its neighbouring
 * cache lines. Behind the counters are the key, which a NUL follows, and the origin of the request
 * that made the entry, if it has one. The entry moves when it gets more counters.
 */
struct ledger_entry {
	struct ledger_entry *next;
	struct ledger_extra *extra; /* NULL: no reservations, no attempts */
	uint64_t seq;		    /* of the last record that it contains */
	uint32_t hash;
	uint16_t key_len;
	uint8_t count;	  /* of the counters */
	uint8_t size : 7; /* the counters for which it has room */
	uint8_t has_origin : 1;
	struct counter counters[];
};

/* What an entry has in addition while messages reserve it, or while given back amounts count. */
struct ledger_extra {
	struct ledger_entry *entry;
	struct counter *attempts; /* for windows of the counters; NULL while nothing counts */
	uint32_t open;		  /* the amount of the open reservations */
	uint32_t holds;	     /* how many places in holds refer to it; while any does, it stays */
	uint32_t generation; /* how often the key was forgotten while holds referred to it */
	uint32_t unsaved;    /* the part of open that the files do not contain */
	uint32_t saves;	     /* how often entry_save_open() has saved that part */
	uint8_t attempt_count;
};

static inline const char *entry_key(const struct ledger_entry *entry)
{
	return (const char *)(entry->counters + entry->size);
}

/* The amount of the open reservations. */
static inline uint32_t entry_open(const struct ledger_entry *entry)
{
	return entry->extra == NULL ? 0 : entry->extra->open;
}

static inline bool entry_has_holds(const struct ledger_entry *entry)
{
	return entry->extra != NULL && entry->extra->holds > 0;
}

struct ledger_shard {
	_Alignas(64) pthread_mutex_t lock;
	struct ledger_entry **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t entry_count;
	size_t extra_count;    /* entries with an extra */
	size_t overflow_count; /* overflow keys, apart from those of all networks */
	size_t bytes;
	size_t overflow_bytes;	       /* the part of these keys */
	size_t extra_bytes;	       /* the part of the other keys' extras: shard_bytes() */
	size_t swept;		       /* the bucket that was swept last */
	size_t evicted;		       /* the bucket in which a key to remove was looked for last */
	size_t max_entries, max_bytes; /* 0: no bound */
	/* Atomic, set by shard_is_over(): how many keys one network may have before its new keys
	 * overflow. 0: the shard is full; SIZE_MAX: no network can have that many. */
	size_t share;
	struct ledger *ledger;
};

/*
 * The keys and the bytes that the shard's bound limits. Overflow keys have a bound of their own.
 * Reservations and attempts do not count, because a network that has its share could let its keys
 * grow by them until others find no room. They take less memory than their keys do.
 */
static inline size_t shard_keys(const struct ledger_shard *shard)
{
	return shard->entry_count - shard->overflow_count;
}
static inline size_t shard_bytes(const struct ledger_shard *shard)
{
	return shard->bytes - shard->overflow_bytes - shard->extra_bytes;
}

/* Traces of keys, and of overflow keys: a flood of the former must not blur the latter. */
enum trace_kind { TRACE_KEY, TRACE_OVERFLOW };

/* How many of each a shard has; powers of two. */
#define LEDGER_KEY_TRACES 1024
#define LEDGER_OVERFLOW_TRACES 2048

/* The most that a key with this trace is known to have left to overflow keys, or this bit and what
 * is known of it. */
struct ledger_past {
	uint32_t amount, given_back;
};
#define LEDGER_PAST_UNKNOWN (UINT32_C(1) << 31)

struct ledger_trace {
	struct ledger_past past;
	uint32_t until; /* in seconds of ledger time; then nothing of it counts */
};

struct ledger_shard_traces {
	struct ledger_trace keys[LEDGER_KEY_TRACES], overflows[LEDGER_OVERFLOW_TRACES];
};

/* Return until when a trace counts: messages may be open for as long as a window. */
static inline uint32_t ledger_trace_until(uint64_t now, uint32_t seconds)
{
	const uint64_t until = now / 1000000 + 2 * (uint64_t)seconds + 1;

	return until > UINT32_MAX ? UINT32_MAX : (uint32_t)until;
}

/* Return the sum, or the highest number if it is higher. */
static inline uint32_t ledger_sum(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/*
 * How many keys each network, and each IPv6 /32, has: in both rows, at places that a hash of its
 * address determines. The lower count is right, unless other networks share both places: of
 * 6,000 networks with keys, one other network in a hundred shares its places.
 */
#define LEDGER_NETWORK_ROWS 2
#define LEDGER_NETWORKS 65536  /* a power of two */
#define LEDGER_PROVIDERS 16384 /* a power of two */
struct ledger_networks {
	uint32_t keys[LEDGER_NETWORK_ROWS][LEDGER_NETWORKS];	      /* atomic */
	uint32_t of_providers[LEDGER_NETWORK_ROWS][LEDGER_PROVIDERS]; /* atomic */
};

#define LEDGER_PROVIDER_NETWORKS 16
#define LEDGER_PROVIDER_BYTES 4 /* of an IPv6 address: /32 */

struct ledger {
	struct ledger_shard shards[LEDGER_SHARDS];
	ledger_save_fn *save;
	ledger_settle_fn *settle;
	void *context;
	uint64_t last_seq;  /* atomic */
	uint64_t unsaved;   /* atomic */
	uint64_t evicted;   /* atomic */
	uint64_t newest;    /* the time that ledger_newest() returns */
	uint32_t tight;	    /* atomic: the shards whose share is less than SIZE_MAX */
	uint32_t overflows; /* atomic: the overflow keys */
	uint32_t surveys;   /* atomic: calls of ledger_each() that have not ended */
	/* Until when overflow keys may count for keys that have no trace, because an earlier
	 * process removed these; in seconds. */
	uint32_t untraced_until;
	struct ledger_shard_traces *traces; /* of each shard */
	struct ledger_networks *networks;
};

uint64_t ledger_hash(const char *key, size_t len);
struct ledger_shard *ledger_shard_of(struct ledger *ledger, uint64_t hash);

struct ledger_call;

#define OVERFLOW_KEY_SIZE 96

/* For whose removed keys an overflow key counts: those of a network, of an IPv6 /32, or all. */
enum overflow_scope { OVERFLOW_NETWORK, OVERFLOW_PROVIDER, OVERFLOW_ALL };
#define OVERFLOW_SCOPES 3

/*
 * Write the overflow key of a key's table, for the network or the /32 of an origin, or for all
 * networks. It contains a space, because addresses, which may be "overflow", contain one only in
 * quotes.
 */
void ledger_overflow_key(const char *key, size_t key_len, const struct ledger_origin *origin,
	enum overflow_scope scope, char key_r[OVERFLOW_KEY_SIZE]);

/* Return whether the key is the overflow key of a network or of a /32, and not that of all. */
static inline bool ledger_is_network_overflow(const char *key, size_t len)
{
	static const char all[] = " all";

	return ledger_key_is_overflow(key, len) &&
		memcmp(key + len - (sizeof(all) - 1), all, sizeof(all) - 1) != 0;
}

static inline bool entry_is_network_overflow(const struct ledger_entry *entry)
{
	return !entry->has_origin && ledger_is_network_overflow(entry_key(entry), entry->key_len);
}

/* The part of a shard's bound that overflow keys may take, beyond it. */
#define LEDGER_OVERFLOW_PART 8

/* Return the scope of an origin: its /32, if that is what determines ledger_network_keys(). */
enum overflow_scope ledger_overflow_scope(const struct ledger *ledger,
	const struct ledger_origin *origin);

/* The requests of a call, some with the key of an overflow instead of theirs. */
struct ledger_bounded {
	struct ledger_request requests[LEDGER_REQUESTS_MAX];
	char keys[LEDGER_REQUESTS_MAX][OVERFLOW_KEY_SIZE];
};

/* Return whether ledger_bound() may have an effect: some network may exceed its share, or there are
 * overflow keys. */
static inline bool ledger_is_tight(const struct ledger *ledger)
{
	return __atomic_load_n(&ledger->tight, __ATOMIC_RELAXED) > 0 ||
		__atomic_load_n(&ledger->overflows, __ATOMIC_RELAXED) > 0;
}

/*
 * For a tight ledger: make room for the new keys of a call, or let them count in an overflow key,
 * or inherit from one. Sets the requests of the call to those of *bounded if they differ from
 * these. With evicts false, no key is removed. No lock is held, so that several threads together
 * may exceed the bound by one key each.
 */
void ledger_bound(struct ledger_call *call, bool evicts, struct ledger_bounded *bounded);

/* The functions below are called with the shard's lock held. */

/* Return whether the shard has reached its bound, and set its share. */
bool shard_is_over(struct ledger_shard *shard);

/*
 * Traces: what keys left to overflow keys when they were removed, or charged to these instead of
 * their own entry, and what overflow keys left to that of all networks. So a key that is made again
 * begins with its own past, and a new one with nothing, although both share an overflow key. The
 * traces of a shard have a fixed size and are found by two parts of the key's hash, of which the
 * lower trace is right: it may be too high, by keys with the same parts, and never too low. They
 * are not saved.
 */

/* Return the past of a key that has no entry. */
struct ledger_past shard_past(const struct ledger_shard *shard, uint64_t hash, enum trace_kind kind,
	uint64_t now);

/* Raise the trace of a key to the past; seconds is its longest window. */
void shard_trace(struct ledger_shard *shard, uint64_t hash, enum trace_kind kind, uint64_t now,
	struct ledger_past past, uint32_t seconds);

struct ledger_entry *shard_find(const struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len);

/*
 * Add an entry with room for a number of counters. If it has an origin, it counts among the keys of
 * its network. Returns NULL when out of memory.
 */
struct ledger_entry *shard_add(struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len, const struct ledger_origin *origin, size_t counters);
void shard_remove(struct ledger_shard *shard, struct ledger_entry *entry); /* without holds */

/* Make the buckets for this number of keys at once. Without memory, they grow later. */
void shard_expect(struct ledger_shard *shard, size_t keys);

/* Shrink the table of buckets if it is much larger than its keys need. A pass must not have begun
 * in this shard, because it continues at the bucket where it was. */
void shard_shrink_table(struct ledger_shard *shard);

/* Return the pointer that refers to the entry. */
static inline struct ledger_entry **shard_place_of(const struct ledger_shard *shard,
	const struct ledger_entry *entry)
{
	struct ledger_entry **at = &shard->buckets[entry->hash & (shard->bucket_count - 1)];

	while (*at != entry)
		at = &(*at)->next;
	return at;
}

/* Make an entry that belongs to no shard yet. Returns NULL when out of memory. */
struct ledger_entry *entry_make(uint64_t hash, const char *key, size_t len,
	const struct ledger_origin *origin, size_t counters);

/* Add the memory of an entry to the shard's bytes or, if it no longer exists, subtract it. */
void entry_count_size(struct ledger_shard *shard, const struct ledger_entry *entry, bool exists);

/* Free everything that counts. */
void entry_empty(struct ledger_shard *shard, struct ledger_entry *entry);

struct ledger_origin entry_origin(const struct ledger_entry *entry);

/* Return the entry's extra, which is made if it has none; NULL when out of memory. */
struct ledger_extra *entry_extra(struct ledger_shard *shard, struct ledger_entry *entry);

/* Free the extra if it contains nothing any more. */
void entry_free_extra(struct ledger_shard *shard, struct ledger_entry *entry);

/*
 * Return how many keys a network has; a hash may add those of others. An IPv6 /48 has at least a
 * sixteenth of the keys of its /32, because the owner of that has 65,536 networks: to fill the
 * ledger from all of them is of no more use than to do so from 16. No lock is needed.
 */
size_t ledger_network_keys(const struct ledger *ledger, const struct ledger_origin *origin);

/* Count a key of the origin that was added (1) or removed (-1). */
void ledger_count_network_key(struct ledger *ledger, const struct ledger_origin *origin,
	int change);

/* Return how many keys the network with the most has, or more, because networks share places. */
size_t ledger_most_network_keys(const struct ledger *ledger);

/* Returns 0 to continue. The shard's lock is held. */
typedef int entry_visit_fn(void *context, struct ledger_entry *entry, uint64_t now);

struct ledger_pass; /* ledger_format.h */

/*
 * Visit the entries of the next few buckets of a shard, and then let the pass go on to another
 * shard, so that a decision that waits for the lock gets it before the pass returns. Idle entries
 * are freed. Each entry that exists all the time is visited once, each other one at most once. Ends
 * the pass when visit() returns a value other than 0, which *ret_r then is. Returns false when the
 * pass has ended. No lock is held.
 */
bool ledger_pass_on(struct ledger *ledger, struct ledger_pass *pass, uint64_t now,
	entry_visit_fn *visit, void *context, int *ret_r);

/* Buckets that are swept for each new key: idle keys are freed faster than keys are added. */
#define SWEEP_PER_KEY 2

/* Free the idle entries of the next few buckets. */
void shard_sweep(struct ledger_shard *shard, uint64_t now, size_t buckets);

/*
 * Name the windows of a request, those that the entry has: their counters are not removed when
 * entry_counter() then makes the others. Returns whether the entry has all of them.
 */
bool entry_name_windows(struct ledger_entry *entry, const struct limit *limits, size_t count,
	uint64_t now);

/*
 * Return the counter of a window. A new one starts with the counts of the entry's longest window;
 * counters that no request has named for the length of their window are removed. The entry may
 * move. Returns NULL when out of memory.
 */
struct counter *entry_counter(struct ledger_shard *shard, struct ledger_entry **entry,
	uint32_t seconds, uint64_t now);

/* Move a counter into the entry, which may move. Returns 0, or -1 when out of memory: it is still
 * the caller's. */
int entry_add_counter(struct ledger_shard *shard, struct ledger_entry **entry,
	const struct counter *counter);

/* Return the counter with the most information about a window: the window's own, else that of the
 * longest window; NULL when the entry has none. */
static inline const struct counter *entry_best(const struct ledger_entry *entry, uint32_t seconds)
{
	return counter_best(entry->counters, entry->count, seconds);
}

/* Remove what no longer counts. Returns false when the entry is to be removed. */
bool entry_prune(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now);

/* Make room for one more charge in every counter. If the entry may take no more memory, because
 * most of its shard's bytes are used, the ticks of its counters become longer. Returns 0, or -1
 * when out of memory. */
int entry_make_room(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now);

/* Charge every counter, after entry_make_room() with the same now. */
void entry_add(struct ledger_entry *entry, uint64_t now, uint32_t amount);

/* The overflow keys that count for the removed keys of a table and an origin: one of each scope,
 * but that of a /32 only for IPv6. That of all networks counts for the others. */
struct ledger_overflows {
	size_t count;
	char keys[OVERFLOW_SCOPES][OVERFLOW_KEY_SIZE];
	uint64_t hash[OVERFLOW_SCOPES];
	struct ledger_shard *shard[OVERFLOW_SCOPES];
};

/* Find those of a key. No lock is needed. */
void ledger_overflows_init(struct ledger *ledger, const char *key, size_t key_len,
	const struct ledger_origin *origin, struct ledger_overflows *overflows_r);

/*
 * Begin the counters and the attempts of a new entry, which has none, with those of its overflow
 * keys, as far as these are its own past. A key gets up to half of each limit, because none above
 * that is removed; an overflow key up to all of it. An unknown past is half of a limit at least.
 * The locks of the overflow keys are held, too. Returns 0, or -1 when out of memory.
 */
int entry_inherit(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_overflows *overflows, struct ledger_past past,
	const struct limit *limits, size_t count, uint64_t now);

/* Charge every counter, even when out of memory: then older charges count longer. */
void entry_force_add(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now,
	uint32_t amount);

/* Remove everything that counts, and the entry unless holds refer to it. */
void entry_forget(struct ledger_shard *shard, struct ledger_entry *entry);

/*
 * The attempts have the windows of the counters. entry_add_attempts() counts an amount that is
 * given back in each of them; `attempts` is that of the request. A window whose counter cannot be
 * made for lack of memory is left out.
 */
void entry_add_attempts(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now,
	uint32_t amount, uint32_t attempts);
const struct counter *entry_best_attempts(const struct ledger_entry *entry, uint32_t seconds);

/* Move a counter into the attempts, as entry_add_counter() does. */
int entry_add_attempts_counter(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct counter *counter);

/* One call with its requests, while the locks of their shards are held. */
struct ledger_call {
	struct ledger *ledger;
	uint64_t now;
	const struct ledger_request *requests;
	size_t count;
	uint64_t hash[LEDGER_REQUESTS_MAX];
	struct ledger_shard *shard[LEDGER_REQUESTS_MAX];
	struct ledger_entry *entry[LEDGER_REQUESTS_MAX]; /* NULL: the key does not exist */
	uint32_t own[LEDGER_REQUESTS_MAX]; /* the caller's own open reservations of the key */
	/* What the call's earlier requests add to the same key, which is an overflow key. */
	uint32_t earlier[LEDGER_REQUESTS_MAX];
	bool inherits[LEDGER_REQUESTS_MAX]; /* if it is new, the entry inherits: entry_inherit() */
	bool any_inherits;
	size_t made_count; /* entries that were made by ledger_call_inherit(), and not saved yet */
	/* Of a request that inherits: the hash of the key for which the overflow key counts, or 0;
	 * what the new entry begins with; and whether ledger_call_inherit() has made it. */
	uint64_t original[LEDGER_REQUESTS_MAX];
	struct ledger_past past[LEDGER_REQUESTS_MAX];
	bool is_made[LEDGER_REQUESTS_MAX];
	/* each once, sorted by address */
	struct ledger_shard *locked[(1 + OVERFLOW_SCOPES) * LEDGER_REQUESTS_MAX];
	size_t locked_count;
};

/* Set the fields up to count; requests may follow later. The others are set when they are known. */
void ledger_call_init(struct ledger_call *call, struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count);

/* Let the entry of a request inherit if it is new; original as in the call. */
void ledger_call_set_inherits(struct ledger_call *call, size_t i, uint64_t original);

/*
 * Lock the shards of the requests and find their entries. Returns 0, or -1 without locks when the
 * requests are impossible.
 */
int ledger_call_begin(struct ledger_call *call);

/*
 * The same for requests that are charged or reserved: each must have a limit, and new keys are made
 * room for or replaced, as in ledger_bound().
 */
int ledger_bound_begin(struct ledger_call *call, struct ledger_bounded *bounded);

/* Lock the shards, which the caller has set. */
void ledger_call_lock(struct ledger_call *call);
/* Unlock the shards. Entries that were made for the usage alone are removed. */
void ledger_call_end(struct ledger_call *call);

/* Make the new entries that inherit something, so that the usage contains it. Returns 0, or -1 when
 * out of memory. */
int ledger_call_inherit(struct ledger_call *call);

/* Fill the usage of each request. Returns LEDGER_FREE or LEDGER_FULL. */
enum ledger_answer ledger_call_usage(const struct ledger_call *call, struct ledger_usage usage_r[]);

/* Fill the usage after the call's own change, by which it does not count as full. */
void ledger_call_usage_after(const struct ledger_call *call, struct ledger_usage usage_r[]);

/*
 * Make all entries, their counters, and room for one more charge in each, and save the change,
 * which the caller then makes. Without must_save, a change that cannot be saved is only counted as
 * such. Returns 0, or -1 with nothing changed.
 */
int ledger_call_change(struct ledger_call *call, enum ledger_change change, bool must_save,
	bool *is_saved_r);

/* Save a record of the change for each request. Returns 0, or -1 when this failed. */
int ledger_call_save(struct ledger_call *call, enum ledger_change change);

/* Wait for what the thread saved, as ledger_settle_fn describes. No lock is held. */
static inline int ledger_settle(struct ledger *ledger, bool may_hang)
{
	return ledger->save == NULL || ledger->settle == NULL ?
		0 :
		ledger->settle(ledger->context, may_hang);
}

/* Save one record for each entry; their seq and now are set here. Returns 0, or -1 when this
 * failed. */
int ledger_call_write(struct ledger_call *call, struct ledger_record records[]);

/*
 * Save the open reservations that could not be saved when they were made, before a checkpoint
 * contains them: then the records of their ends are right whether or not the checkpoint succeeds.
 */
void entry_save_open(struct ledger *ledger, struct ledger_entry *entry, uint64_t now);

/* While the ledger is restored: raise the number of the last record, and the newest time. */
void ledger_raise_seq(struct ledger *ledger, uint64_t seq);
void ledger_raise_newest(struct ledger *ledger, uint64_t newest);

/* Note that an overflow key, which counts in this window at that time, may count for keys without
 * traces. */
void ledger_note_overflow(struct ledger *ledger, uint64_t time, uint32_t seconds);

/* ledger_restart() for the entries that do not contain its record, which has this seq. */
void ledger_restart_before(struct ledger *ledger, uint64_t seq, uint64_t now);

#endif
