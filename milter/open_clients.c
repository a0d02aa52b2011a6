#include "milter/open_clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define BUCKETS 4096

struct client {
	struct client *next;
	struct cidr net;
	uint32_t open;
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

static bool is_same(const struct cidr *a, const struct cidr *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
		memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* Where the client stands, or the end of its bucket; with the lock held. */
static struct client **place_of(struct open_clients *clients, const struct cidr *net)
{
	struct client **at = &clients->buckets[hash_bytes(net->addr, sizeof(net->addr)) % BUCKETS];

	while (*at != NULL && !is_same(&(*at)->net, net))
		at = &(*at)->next;
	return at;
}

uint32_t open_clients_enter(struct open_clients *clients, const struct cidr *client)
{
	struct client **at;
	uint32_t open = 0;

	(void)pthread_mutex_lock(&clients->lock);
	at = place_of(clients, client);
	if (*at == NULL && (*at = calloc(1, sizeof(**at))) != NULL)
		(*at)->net = *client;
	if (*at != NULL)
		open = ++(*at)->open;
	(void)pthread_mutex_unlock(&clients->lock);
	return open;
}

void open_clients_leave(struct open_clients *clients, const struct cidr *client)
{
	struct client **at, *gone;

	(void)pthread_mutex_lock(&clients->lock);
	at = place_of(clients, client);
	gone = *at;
	if (gone != NULL && --gone->open == 0) {
		*at = gone->next;
		free(gone);
	}
	(void)pthread_mutex_unlock(&clients->lock);
}
