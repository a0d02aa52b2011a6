/*
 * Remembers the clients of the latest sessions, and recognizes a gateway among them. Owns a ring of
 * addresses, which a lock guards; any thread may call it.
 */
#include "milter/shared/client_share.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

struct latest {
	struct cidr client;
	uint16_t name; /* a hash of the argument of HELO */
};

struct client_share {
	pthread_mutex_t lock; /* of all members */
	struct latest latest[CLIENT_SHARE_SESSIONS];
	size_t next, count;
	struct cidr reported;
};

struct client_share *client_share_new(void)
{
	struct client_share *share = calloc(1, sizeof(*share));

	if (share != NULL && pthread_mutex_init(&share->lock, NULL) != 0) {
		free(share);
		share = NULL;
	}
	return share;
}

void client_share_free(struct client_share **share)
{
	if (*share == NULL)
		return;
	(void)pthread_mutex_destroy(&(*share)->lock);
	free(*share);
	*share = NULL;
}

bool client_share_add(struct client_share *share, const struct cidr *client, const char *helo)
{
	const uint16_t name = (uint16_t)hash_bytes(helo, strlen(helo));
	bool is_time;

	if (pthread_mutex_trylock(&share->lock) != 0)
		return false;
	share->latest[share->next] = (struct latest){ *client, name };
	share->next = (share->next + 1) % CLIENT_SHARE_SESSIONS;
	if (share->count < CLIENT_SHARE_SESSIONS)
		share->count++;
	is_time = share->next % (CLIENT_SHARE_SESSIONS / 4) == 0;
	(void)pthread_mutex_unlock(&share->lock);
	return is_time;
}

static bool is_equal(const struct cidr *a, const struct cidr *b)
{
	return a->family == b->family && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* Return whether an address belongs to a private network (RFC 1918, RFC 4193), to the link (RFC
 * 3927, RFC 4291), or is shared by a provider's clients (RFC 6598). */
static bool is_private(const struct cidr *address)
{
	const uint8_t *a = address->addr;

	if (address->family == AF_INET6)
		return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
	return address->family == AF_INET &&
		(a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
			(a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
			(a[0] == 100 && (a[1] & 0xc0) == 64));
}

/* Return the only client that can have most of the sessions (Boyer and Moore's majority vote). */
static struct cidr find_candidate(const struct client_share *share)
{
	struct cidr candidate = { .family = AF_UNSPEC };
	size_t votes = 0;

	for (size_t i = 0; i < share->count; i++) {
		if (votes == 0)
			candidate = share->latest[i].client;
		if (is_equal(&candidate, &share->latest[i].client))
			votes++;
		else
			votes--;
	}
	return candidate;
}

/* Return how many different names the sessions of a client use, at least: each counts by a bit. */
static unsigned count_names(const struct client_share *share, const struct cidr *client)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < share->count; i++) {
		if (is_equal(client, &share->latest[i].client))
			bits |= (uint64_t)1 << (share->latest[i].name % 64);
	}
	return (unsigned)__builtin_popcountll(bits);
}

static bool find(const struct client_share *share, struct client_gateway *gateway_r)
{
	const struct cidr candidate = find_candidate(share);
	unsigned sessions = 0;

	if (share->count < CLIENT_SHARE_ENOUGH || !is_private(&candidate))
		return false;
	for (size_t i = 0; i < share->count; i++)
		sessions += is_equal(&candidate, &share->latest[i].client);
	if (sessions * 100 < share->count * CLIENT_SHARE_PERCENT ||
		count_names(share, &candidate) < CLIENT_SHARE_NAMES)
		return false;
	*gateway_r = (struct client_gateway){ candidate, sessions, (unsigned)share->count };
	return true;
}

bool client_share_find(struct client_share *share, struct client_gateway *gateway_r)
{
	bool is_found;

	(void)pthread_mutex_lock(&share->lock);
	is_found = find(share, gateway_r);
	(void)pthread_mutex_unlock(&share->lock);
	return is_found;
}

bool client_share_is_new(struct client_share *share, const struct cidr *address)
{
	bool is_new;

	(void)pthread_mutex_lock(&share->lock);
	is_new = !is_equal(&share->reported, address);
	share->reported = *address;
	(void)pthread_mutex_unlock(&share->lock);
	return is_new;
}
