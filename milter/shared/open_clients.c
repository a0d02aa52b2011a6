/*
 * Counts the open connections of each client in a hash table. The table owns its keys; each mutex
 * guards some of the buckets. libmilter's threads call it when a session starts and ends.
 */
#include "milter/shared/open_clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define BUCKETS 4096
#define LOCKS 64

struct client {
	struct client *next;
	uint32_t open;
	char key[];
};

struct open_clients {
	struct client *buckets[BUCKETS];
	pthread_mutex_t locks[LOCKS]; /* of the buckets with this number, modulo LOCKS */
};

struct open_clients *open_clients_new(void)
{
	struct open_clients *clients = calloc(1, sizeof(*clients));

	for (size_t i = 0; clients != NULL && i < LOCKS; i++)
		(void)pthread_mutex_init(&clients->locks[i], NULL);
	return clients;
}

void open_clients_free(struct open_clients **clients)
{
	struct open_clients *gone = *clients;
	struct client *next;

	*clients = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct client *c = gone->buckets[i]; c != NULL; c = next) {
			next = c->next;
			free(c);
		}
	}
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&gone->locks[i]);
	free(gone);
}

static size_t bucket_of(const char *key)
{
	return hash_bytes(key, strlen(key)) % BUCKETS;
}

/* Return the link to the key's entry, or the NULL link at the end of its bucket. The caller holds
 * the lock. */
static struct client **find_place(struct client **bucket, const char *key)
{
	while (*bucket != NULL && strcmp((*bucket)->key, key) != 0)
		bucket = &(*bucket)->next;
	return bucket;
}

uint32_t open_clients_enter(struct open_clients *clients, const char *key)
{
	const size_t bucket = bucket_of(key);
	struct client **at;
	uint32_t open = 0;

	(void)pthread_mutex_lock(&clients->locks[bucket % LOCKS]);
	at = find_place(&clients->buckets[bucket], key);
	if (*at == NULL && (*at = calloc(1, sizeof(**at) + strlen(key) + 1)) != NULL)
		memcpy((*at)->key, key, strlen(key) + 1);
	if (*at != NULL)
		open = ++(*at)->open;
	(void)pthread_mutex_unlock(&clients->locks[bucket % LOCKS]);
	return open;
}

void open_clients_leave(struct open_clients *clients, const char *key)
{
	const size_t bucket = bucket_of(key);
	struct client **at, *gone;

	(void)pthread_mutex_lock(&clients->locks[bucket % LOCKS]);
	at = find_place(&clients->buckets[bucket], key);
	gone = *at;
	if (gone != NULL && --gone->open == 0) {
		*at = gone->next;
		free(gone);
	}
	(void)pthread_mutex_unlock(&clients->locks[bucket % LOCKS]);
}
