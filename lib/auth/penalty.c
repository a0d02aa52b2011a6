/*
 * Auth penalties: hash tables of the failures of logins, networks and wide networks, in sets of
 * eight entries, and of the networks from which logins have succeeded, in sets of 64. It owns its
 * entries and is used by one thread at a time.
 */
#include "lib/auth/penalty.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"

#define WAYS 8
#define PLACES 64	/* trusted networks of a set of logins */
#define FAILURES_MAX 60 /* no more are counted, so that an hour forgives everything */
#define FIRST_MS 500	/* the first delay; each further one is twice as long */
#define PAIR_FORGIVE_S 60
#define PERSON UINT64_C(1) /* the bit of a network's key that tells people from addresses */

enum { CLAIMS, PEOPLE = 2 }; /* even, unlike the near of an address */

enum kind { LOGIN, NETWORK, WIDE, AREA, KINDS };

static const struct {
	uint32_t tolerance; /* failures without a delay */
	uint32_t forgive_s; /* seconds after which one failure is forgiven */
} rules[KINDS] = {
	[LOGIN] = { 1, 60 },   /* everybody mistypes */
	[NETWORK] = { 3, 60 }, /* several people may share a network */
	[WIDE] = { 30, 6 },    /* a provider may give a /48 to one customer or to thousands */
	[AREA] = { FAILURES_MAX, 60 },
};

struct failures {
	uint32_t time; /* from which on the next one is being forgiven */
	uint32_t count;
};

struct entry {
	uint64_t key; /* 0: empty */
	struct failures failures;
};

/* A network from which a login has succeeded. */
struct place {
	uint64_t login; /* 0: empty */
	uint64_t credential;
	uint64_t network; /* 0: not known */
	uint32_t near;
	uint32_t time; /* of the last success, plus 1; 0: empty */
	struct failures failures;
};

enum trusted { NAMES, TOKENS, CLAIMED, TRUSTED };

struct penalty {
	size_t sets; /* of each table; a power of 2 */
	struct entry *failed[KINDS];
	struct place *trusted[TRUSTED];
};

struct penalty *penalty_new(size_t entries)
{
	struct penalty *penalty = calloc(1, sizeof(*penalty));
	bool failed = false;

	if (penalty == NULL)
		return NULL;
	for (penalty->sets = 1; penalty->sets * WAYS < entries;)
		penalty->sets *= 2;
	for (int kind = 0; kind < KINDS; kind++) {
		penalty->failed[kind] = calloc(penalty->sets * WAYS, sizeof(struct entry));
		failed |= penalty->failed[kind] == NULL;
	}
	for (int which = 0; which < TRUSTED; which++) {
		penalty->trusted[which] = calloc(penalty->sets * PLACES, sizeof(struct place));
		failed |= penalty->trusted[which] == NULL;
	}
	if (failed)
		penalty_free(&penalty);
	return penalty;
}

void penalty_free(struct penalty **penalty)
{
	if (*penalty == NULL)
		return;
	for (int kind = 0; kind < KINDS; kind++)
		free((*penalty)->failed[kind]);
	for (int which = 0; which < TRUSTED; which++)
		free((*penalty)->trusted[which]);
	free(*penalty);
	*penalty = NULL;
}

/* ---- keys ---------------------------------------------------------------------- */

static uint64_t key_of(const void *bytes, size_t len)
{
	const uint64_t key = hash_bytes(bytes, len);

	return key == 0 ? 1 : key;
}

/* Return a key without the bit PERSON. */
static uint64_t key_of_address(const void *bytes, size_t len)
{
	const uint64_t key = hash_bytes(bytes, len) & ~PERSON;

	return key == 0 ? PERSON << 1 : key;
}

static bool is_person(const struct cidr *client)
{
	return client->family != AF_INET && client->family != AF_INET6;
}

struct cidr penalty_person(uid_t uid)
{
	struct cidr person = { .family = AF_UNIX };

	memcpy(person.addr, &uid, sizeof(uid));
	return person;
}

/* Return the key of the wide network of a user of this machine; 0: none. */
static uint64_t key_of_people(const struct cidr *person)
{
	static const char people[] = "people";
	uid_t uid;

	memcpy(&uid, person->addr, sizeof(uid));
	return uid == 0 || uid == geteuid() ? 0 : key_of(people, sizeof(people)) | PERSON;
}

static void set_pair(struct penalty_keys *keys, uint64_t login)
{
	if (login != 0 && keys->network != 0)
		keys->pair = key_of((const uint64_t[]){ login, keys->network }, 16);
}

/* near: that of an address, or CLAIMS or PEOPLE for clients without a proven address. */
static void set_area(struct penalty_keys *keys, uint64_t near)
{
	if (keys->login != 0 && keys->network != 0)
		keys->area = key_of((const uint64_t[]){ keys->login, near }, 16);
}

struct penalty_keys penalty_keys(uint64_t login, const struct cidr *client)
{
	struct penalty_keys keys = { .login = login, .owner = login };
	struct cidr net;
	size_t len; /* of the network; the lengths differ, and so do the keys */

	if (client == NULL || client->family == AF_UNSPEC)
		return keys;
	net = cidr_translated(client);
	len = net.family == AF_INET ? 4 : net.family == AF_INET6 ? 8 : sizeof(uid_t) + 1;
	keys.network =
		is_person(&net) ? key_of(net.addr, len) | PERSON : key_of_address(net.addr, len);
	keys.near = (uint32_t)key_of(net.addr, (len + 1) / 2) | 1;
	if (is_person(&net))
		keys.wide = key_of_people(&net);
	else if (net.family == AF_INET6)
		keys.wide = key_of_address(net.addr, 6);
	set_pair(&keys, login);
	set_area(&keys, is_person(&net) ? PEOPLE : keys.near);
	return keys;
}

/* Return another key, with the bit PERSON clear. */
static uint64_t key_apart(uint64_t key)
{
	return key == 0 ? 0 : key_of_address((const uint64_t[]){ key, 0, 0 }, 24);
}

void penalty_set_apart(struct penalty_keys *keys)
{
	keys->is_apart = true;
	keys->network = key_apart(keys->network);
	keys->wide = key_apart(keys->wide);
	keys->near = keys->near == 0 ? 0 : (uint32_t)key_apart(keys->near) | 1;
	set_pair(keys, keys->login);
	set_area(keys, CLAIMS);
}

void penalty_set_owner(struct penalty_keys *keys, uint64_t owner, uint64_t credential)
{
	keys->owner = owner;
	keys->credential = credential;
}

void penalty_claim(struct penalty_keys *keys, uint64_t claimed)
{
	keys->claimed = claimed;
	set_pair(keys, claimed);
}

static uint64_t key_of_kind(const struct penalty_keys *keys, enum kind kind)
{
	const uint64_t key[KINDS] = { keys->login, keys->network, keys->wide, keys->area };

	return key[kind];
}

/* ---- failures -------------------------------------------------------------------- */

/* The failures that time has not forgiven yet. */
static uint32_t failures_left(const struct failures *failures, uint32_t forgive_s, uint32_t now)
{
	const uint32_t forgiven = (now - failures->time) / forgive_s;

	return failures->count > forgiven ? failures->count - forgiven : 0;
}

static void add_failure(struct failures *failures, uint32_t forgive_s, uint32_t now)
{
	const uint32_t left = failures_left(failures, forgive_s, now);

	failures->time = left == 0 ? now : now - (now - failures->time) % forgive_s;
	failures->count = left < FAILURES_MAX ? left + 1 : left;
}

static size_t set_of(const struct penalty *penalty, uint64_t key)
{
	return (key >> 32) & (penalty->sets - 1);
}

static struct entry *find_entry(const struct penalty *penalty, enum kind kind, uint64_t key)
{
	struct entry *set = penalty->failed[kind] + set_of(penalty, key) * WAYS;

	for (int i = 0; key != 0 && i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
	}
	return NULL;
}

static uint32_t failures_of(const struct penalty *penalty, enum kind kind, uint64_t key,
	uint32_t now)
{
	const struct entry *entry = find_entry(penalty, kind, key);

	return entry == NULL ? 0 : failures_left(&entry->failures, rules[kind].forgive_s, now);
}

static void count_failure(struct penalty *penalty, enum kind kind, uint64_t key, uint32_t now)
{
	const uint32_t forgive_s = rules[kind].forgive_s;
	struct entry *entry = find_entry(penalty, kind, key), *set;

	if (key == 0)
		return;
	if (entry == NULL) {
		entry = set = penalty->failed[kind] + set_of(penalty, key) * WAYS;
		for (int i = 1; i < WAYS; i++) {
			if (failures_left(&set[i].failures, forgive_s, now) <
				failures_left(&entry->failures, forgive_s, now))
				entry = &set[i];
		}
		*entry = (struct entry){ .key = key };
	}
	add_failure(&entry->failures, forgive_s, now);
	if (kind == AREA) /* for its age */
		entry->failures.time = now;
}

static uint32_t delay_of(uint32_t failures, uint32_t tolerance)
{
	const uint32_t over = failures > tolerance ? failures - tolerance : 0;

	if (over == 0)
		return 0;
	return over > 4 ? PENALTY_MAX_MS : (uint32_t)FIRST_MS << (over - 1);
}

/* ---- trusted logins ---------------------------------------------------------------- */

static bool is_recent(const struct place *place, uint32_t now)
{
	return place->time != 0 && now + 1 - place->time < PENALTY_TRUST_S;
}

static enum trusted table_of(uint64_t login)
{
	return (login & PENALTY_TOKEN) != 0 ? TOKENS : NAMES;
}

static struct place *trusted_set(const struct penalty *penalty, enum trusted which, uint64_t login)
{
	return penalty->trusted[which] + set_of(penalty, login) * PLACES;
}

/* Return the credential to compare in a table. A claimed address has none of its own, because it
 * may succeed with any token. */
static uint64_t credential_of(const struct penalty_keys *keys, enum trusted which)
{
	return which == CLAIMED ? 0 : keys->credential;
}

/* Return the place of a network from which the login has succeeded recently with its present
 * credential, or NULL. */
static struct place *find_place(struct place *set, enum trusted which, uint64_t login,
	const struct penalty_keys *keys, uint32_t now)
{
	for (int i = 0; login != 0 && i < PLACES; i++) {
		if (set[i].login == login && set[i].network == keys->network &&
			set[i].credential == credential_of(keys, which) && is_recent(&set[i], now))
			return &set[i];
	}
	return NULL;
}

static unsigned count_places(const struct place *set, uint64_t login)
{
	unsigned count = 0;

	for (int i = 0; i < PLACES; i++)
		count += set[i].login == login;
	return count;
}

/*
 * Return the place that makes room for one of the login: one that is not in use, or the oldest one
 * of the login that would have the most, so that the many networks of one login displace those of
 * no other.
 */
static struct place *replaceable_place(struct place *set, uint64_t login, uint32_t now)
{
	struct place *found = set;
	unsigned most = 0;

	for (int i = 0; i < PLACES; i++) {
		if (!is_recent(&set[i], now))
			return &set[i];
	}
	for (int i = 0; i < PLACES; i++) {
		const unsigned count =
			count_places(set, set[i].login) + (set[i].login == login ? 1 : 0);

		if (count > most || (count == most && set[i].time < found->time)) {
			most = count;
			found = &set[i];
		}
	}
	return found;
}

static void remember_success(struct penalty *penalty, enum trusted which, uint64_t login,
	const struct penalty_keys *keys, uint32_t now)
{
	struct place *set = trusted_set(penalty, which, login), *place;

	if (login == 0)
		return;
	place = find_place(set, which, login, keys, now);
	if (place == NULL) {
		place = replaceable_place(set, login, now);
		*place = (struct place){ .login = login,
			.credential = credential_of(keys, which),
			.network = keys->network,
			.near = keys->near };
	}
	place->time = now + 1;
}

/* ---- attempts -------------------------------------------------------------------- */

/* View the successes of the login or of the claimed address. */
static void view_successes(const struct penalty *penalty, enum trusted which, uint64_t login,
	const struct penalty_keys *keys, uint32_t now, struct penalty_view *view)
{
	const struct place *set = trusted_set(penalty, which, login);

	for (int i = 0; login != 0 && i < PLACES; i++) {
		const struct place *place = &set[i];
		uint32_t failures;

		if (place->login != login || place->credential != credential_of(keys, which) ||
			!is_recent(place, now))
			continue;
		view->has_succeeded = true;
		if (keys->network == 0)
			continue;
		view->is_near |= place->near == keys->near;
		if (place->network != keys->network)
			continue;
		view->is_known = true;
		failures = failures_left(&place->failures, PAIR_FORGIVE_S, now);
		if (failures + view->trust < PENALTY_TRUST_FAILURES)
			view->trust = PENALTY_TRUST_FAILURES - failures;
	}
}

struct penalty_view penalty_view(const struct penalty *penalty, const struct penalty_keys *keys,
	uint32_t now)
{
	struct penalty_view view = { .is_clean = true };

	view_successes(penalty, table_of(keys->owner), keys->owner, keys, now, &view);
	view_successes(penalty, CLAIMED, keys->claimed, keys, now, &view);
	for (int kind = 0; kind < AREA; kind++) {
		const uint32_t failures = failures_of(penalty, kind, key_of_kind(keys, kind), now),
			       delay = delay_of(failures, rules[kind].tolerance);

		view.has_failed |= kind == LOGIN && failures > 0;
		view.is_slowed |= kind != LOGIN && delay > 0;
		view.is_clean &= kind == LOGIN || failures == 0;
		if (delay > view.delay_ms)
			view.delay_ms = delay;
	}
	return view;
}

uint32_t penalty_area_failures(const struct penalty *penalty, const struct penalty_keys *keys,
	uint32_t now, uint32_t *age_r)
{
	const struct entry *entry = find_entry(penalty, AREA, keys->area);

	*age_r = entry == NULL ? 0 : now - entry->failures.time;
	return failures_of(penalty, AREA, keys->area, now);
}

/*
 * Count a failure against the trust of the login or of the claimed address in the network. The
 * trust of former credentials is reduced, too, because attempts that have waited since a change
 * still have them. Returns whether the present credential has succeeded there.
 */
static bool reduce_trust(struct penalty *penalty, enum trusted which, uint64_t login,
	const struct penalty_keys *keys, uint32_t now)
{
	struct place *set = trusted_set(penalty, which, login);
	bool is_known = false;

	if (login == 0 || keys->network == 0)
		return false;
	for (int i = 0; i < PLACES; i++) {
		if (set[i].login != login || set[i].network != keys->network ||
			!is_recent(&set[i], now))
			continue;
		add_failure(&set[i].failures, PAIR_FORGIVE_S, now);
		is_known |= set[i].credential == credential_of(keys, which);
	}
	return is_known;
}

void penalty_failed(struct penalty *penalty, const struct penalty_keys *keys, uint32_t now)
{
	bool is_known = reduce_trust(penalty, table_of(keys->owner), keys->owner, keys, now);

	is_known |= reduce_trust(penalty, CLAIMED, keys->claimed, keys, now);
	if (failures_of(penalty, NETWORK, keys->network, now) <= rules[NETWORK].tolerance)
		count_failure(penalty, WIDE, keys->wide, now);
	count_failure(penalty, NETWORK, keys->network, now);
	if (!is_known) {
		count_failure(penalty, LOGIN, keys->login, now);
		count_failure(penalty, AREA, keys->area, now);
	}
}

void penalty_succeeded(struct penalty *penalty, const struct penalty_keys *keys, uint32_t now)
{
	remember_success(penalty, table_of(keys->owner), keys->owner, keys, now);
	remember_success(penalty, CLAIMED, keys->claimed, keys, now);
}

/* ---- people ------------------------------------------------------------------------ */

/* Clear the failures of one key or, if the key is 0, of all but people's. Returns the number. */
static size_t clear_failures(struct penalty *penalty, enum kind kind, uint64_t key)
{
	size_t cleared = 0;

	for (size_t i = 0; i < penalty->sets * WAYS; i++) {
		struct entry *entry = &penalty->failed[kind][i];

		if (entry->key != 0 &&
			(key == 0 ? kind == LOGIN || kind == AREA || (entry->key & PERSON) == 0 :
				    entry->key == key)) {
			*entry = (struct entry){ .key = 0 };
			cleared += kind != AREA;
		}
	}
	return cleared;
}

/* Clear the failures that end trust; a key that is 0 means any login, or any network. Returns
 * whether there were any. */
static bool clear_places(struct penalty *penalty, uint64_t login, uint64_t network)
{
	bool cleared = false;

	for (int which = 0; which < TRUSTED; which++) {
		for (size_t i = 0; i < penalty->sets * PLACES; i++) {
			struct place *place = &penalty->trusted[which][i];

			if (place->failures.count > 0 && (login == 0 || place->login == login) &&
				(network == 0 || place->network == network)) {
				place->failures = (struct failures){ 0 };
				cleared = true;
			}
		}
	}
	return cleared;
}

size_t penalty_reset(struct penalty *penalty, const struct penalty_keys *keys)
{
	size_t cleared = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		const uint64_t key = keys == NULL ? 0 : key_of_kind(keys, kind);

		if (keys == NULL || key != 0)
			cleared += clear_failures(penalty, kind, key);
	}
	if ((keys == NULL || keys->owner != 0 || keys->network != 0) &&
		clear_places(penalty, keys == NULL ? 0 : keys->owner,
			keys == NULL ? 0 : keys->network) &&
		cleared == 0)
		cleared = 1;
	return cleared;
}

static size_t count_unforgiven(const struct penalty *penalty, enum kind kind, uint32_t now)
{
	size_t found = 0;

	for (size_t i = 0; i < penalty->sets * WAYS; i++)
		found += failures_left(&penalty->failed[kind][i].failures, rules[kind].forgive_s,
				 now) > 0;
	return found;
}

void penalty_count(const struct penalty *penalty, uint32_t now, size_t *networks_r,
	size_t *logins_r)
{
	*networks_r = count_unforgiven(penalty, NETWORK, now);
	*logins_r = count_unforgiven(penalty, LOGIN, now);
}
