/*
 * An array of shards that versions of a set share. One thread makes a version; then any thread may
 * read it. t/unit/test_users_change.c covers it.
 */
#include "lib/rules/shard_map.h"

#include <stdbool.h>
#include <stdlib.h>

void shard_ref(struct shard_head *shard)
{
	if (shard != NULL)
		__atomic_add_fetch(&shard->refs, 1, __ATOMIC_RELAXED);
}

void shard_unref(struct shard_head *shard)
{
	if (shard != NULL && __atomic_sub_fetch(&shard->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(shard);
}

static void node_unref(struct shard_node *node)
{
	uint32_t i;

	if (node == NULL || __atomic_sub_fetch(&node->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < SHARD_NODE_SIZE; i++)
		shard_unref(node->shards[i]);
	free(node);
}

int shard_map_init(struct shard_map *map)
{
	bool failed = false;
	uint32_t i;

	for (i = 0; i < SHARD_MAP_NODES; i++) {
		map->nodes[i] = calloc(1, sizeof(**map->nodes));
		if (map->nodes[i] == NULL)
			failed = true;
		else
			map->nodes[i]->refs = 1;
	}
	return failed ? -1 : 0;
}

void shard_map_share(struct shard_map *map, const struct shard_map *from)
{
	uint32_t i;

	*map = *from;
	for (i = 0; i < SHARD_MAP_NODES; i++)
		__atomic_add_fetch(&map->nodes[i]->refs, 1, __ATOMIC_RELAXED);
}

void shard_map_clear(struct shard_map *map)
{
	uint32_t i;

	for (i = 0; i < SHARD_MAP_NODES; i++)
		node_unref(map->nodes[i]);
	*map = (struct shard_map){ { NULL } };
}

/* Replace a node that other versions share by a copy. Returns NULL when out of memory. */
static struct shard_node *own_node(struct shard_map *map, uint32_t place)
{
	struct shard_node **at = &map->nodes[place >> SHARD_NODE_BITS], *copy;
	uint32_t i;

	if (__atomic_load_n(&(*at)->refs, __ATOMIC_ACQUIRE) == 1)
		return *at;
	if ((copy = malloc(sizeof(*copy))) == NULL)
		return NULL;
	copy->refs = 1;
	for (i = 0; i < SHARD_NODE_SIZE; i++) {
		copy->shards[i] = (*at)->shards[i];
		shard_ref(copy->shards[i]);
	}
	node_unref(*at);
	*at = copy;
	return copy;
}

int shard_map_set(struct shard_map *map, uint32_t place, struct shard_head *shard)
{
	struct shard_node *node = own_node(map, place);
	struct shard_head **at;

	if (node == NULL) {
		shard_unref(shard);
		return -1;
	}
	at = &node->shards[place & (SHARD_NODE_SIZE - 1)];
	shard_unref(*at);
	*at = shard;
	return 0;
}
