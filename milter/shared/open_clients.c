/*
 * Counts the open connections of each client in a hash table. The table owns its keys; one mutex
 * guards it. libmilter's threads call it when a session starts and ends.
 */
#include "milter/shared/open_clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define BUCKETS 4096

struct client {
	struct client *next;
	uint32_t open;
	char key[];
};

struct open_clients {
	pthread_mutex_t lock;
	struct client *buckets[BUCKETS];
};

struct open_clients *open_clients_new(void)
{
	struct open_clients *clients = calloc(1, sizeof(*clients));

	if (clients != NULL && pthread_mutex_init(&clients->lock, NULL) != 0) {
		free(clients);
		return NULL;
	}
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
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}

/* Return the link to the key's entry, or the NULL link at the end of its bucket. The caller holds
 * the lock. */
static struct client **find_place(struct open_clients *clients, const char *key)
{
	struct client **at = &clients->buckets[hash_bytes(key, strlen(key)) % BUCKETS];

	while (*at != NULL && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

uint32_t open_clients_enter(struct open_clients *clients, const char *key)
{
	struct client **at;
	uint32_t open = 0;

	(void)pthread_mutex_lock(&clients->lock);
	at = find_place(clients, key);
	if (*at == NULL && (*at = calloc(1, sizeof(**at) + strlen(key) + 1)) != NULL)
		memcpy((*at)->key, key, strlen(key) + 1);
	if (*at != NULL)
		open = ++(*at)->open;
	(void)pthread_mutex_unlock(&clients->lock);
	return open;
}

void open_clients_leave(struct open_clients *clients, const char *key)
{
	struct client **at, *gone;

	(void)pthread_mutex_lock(&clients->lock);
	at = find_place(clients, key);
	gone = *at;
	if (gone != NULL && --gone->open == 0) {
		*at = gone->next;
		free(gone);
	}
	(void)pthread_mutex_unlock(&clients->lock);
}
