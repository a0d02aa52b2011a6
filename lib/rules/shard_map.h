#ifndef POSTERN_SHARD_MAP_H
#define POSTERN_SHARD_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A fixed number of places for shards, which versions of a set share: a new version refers to the
 * same nodes as the old one, and copies only the node of a place that it sets. Nodes and shards are
 * reference-counted and, once a version is published, immutable. One thread makes a version;
 * afterwards any thread may read it, and release its own references.
 */
#define SHARD_MAP_BITS 12
#define SHARD_MAP_SIZE (1U << SHARD_MAP_BITS)
#define SHARD_NODE_BITS 6
#define SHARD_NODE_SIZE (1U << SHARD_NODE_BITS)
#define SHARD_MAP_NODES (SHARD_MAP_SIZE / SHARD_NODE_SIZE)

/* The first member of each shard, which one free() releases. */
struct shard_head {
	unsigned refs;
};

struct shard_node {
	unsigned refs;
	struct shard_head *shards[SHARD_NODE_SIZE]; /* NULL: an empty one */
};

struct shard_map {
	struct shard_node *nodes[SHARD_MAP_NODES];
};

/* Return the shard at a place, borrowed; NULL: an empty one. */
static inline struct shard_head *shard_map_at(const struct shard_map *map, uint32_t place)
{
	return map->nodes[place >> SHARD_NODE_BITS]->shards[place & (SHARD_NODE_SIZE - 1)];
}

/* Make a map of empty shards. Returns 0, or -1 when out of memory; the map must be cleared in both
 * cases. */
int shard_map_init(struct shard_map *map);

/* Make a map that shares all shards of another one. */
void shard_map_share(struct shard_map *map, const struct shard_map *from);

void shard_map_clear(struct shard_map *map);

/*
 * Replace the shard at a place of a map that nobody else sees yet. Takes over the caller's
 * reference of shard, which may be NULL. Returns 0, or -1 when out of memory; the reference is then
 * released.
 */
int shard_map_set(struct shard_map *map, uint32_t place, struct shard_head *shard);

/* Both accept NULL. */
void shard_ref(struct shard_head *shard);
void shard_unref(struct shard_head *shard);

#endif
