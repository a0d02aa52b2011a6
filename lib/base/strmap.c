/*
 * A hash table from byte strings to numbers. The map owns its keys. One thread fills it; afterwards
 * any thread may read it.
 */
#include "lib/base/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

/* Open addressing with linear probing, at most 3/4 full. */
struct slot {
	uint32_t tag; /* high half of the hash; avoids most comparisons */
	uint32_t key; /* offset of the key in the blob, plus 1; 0 is a free slot */
	uint32_t value;
};

struct strmap {
	struct slot *slots;
	size_t mask; /* number of slots - 1; SIZE_MAX while there are none */
	size_t count;
	char *keys; /* each key: 32-bit length in host order, then the bytes */
	size_t keys_len, keys_size;
};

struct strmap *strmap_new(void)
{
	struct strmap *map = calloc(1, sizeof(*map));

	if (map != NULL)
		map->mask = SIZE_MAX;
	return map;
}

void strmap_free(struct strmap **map)
{
	if (*map == NULL)
		return;
	free((*map)->slots);
	free((*map)->keys);
	free(*map);
	*map = NULL;
}

static const char *slot_key(const struct strmap *map, const struct slot *slot, uint32_t *len_r)
{
	const char *at = map->keys + (slot->key - 1);

	memcpy(len_r, at, sizeof(*len_r));
	return at + sizeof(*len_r);
}

/* Find the slot that has this key, or the free slot where it belongs. */
static struct slot *probe(const struct strmap *map, uint64_t hash, const char *key, size_t len)
{
	size_t i = (size_t)hash & map->mask;
	struct slot *slot;
	const char *have;
	uint32_t have_len;

	for (;; i = (i + 1) & map->mask) {
		slot = &map->slots[i];
		if (slot->key == 0)
			return slot;
		if (slot->tag != (uint32_t)(hash >> 32))
			continue;
		have = slot_key(map, slot, &have_len);
		if (have_len == len && memcmp(have, key, len) == 0)
			return slot;
	}
}

static int grow_slots(struct strmap *map)
{
	size_t size = map->slots == NULL ? 16 : (map->mask + 1) * 2, old_size = map->mask + 1;
	struct slot *old = map->slots, *slot;
	const char *key;
	uint32_t len;
	size_t i;

	if ((slot = calloc(size, sizeof(*slot))) == NULL)
		return -1;
	map->slots = slot;
	map->mask = size - 1;
	for (i = 0; old != NULL && i < old_size; i++) {
		if (old[i].key == 0)
			continue;
		key = slot_key(map, &old[i], &len);
		*probe(map, hash_bytes(key, len), key, len) = old[i];
	}
	free(old);
	return 0;
}

static int reserve_key(struct strmap *map, size_t len)
{
	size_t want = map->keys_len + sizeof(uint32_t) + len, size;
	char *keys;

	if (want >= UINT32_MAX)
		return -1;
	if (want <= map->keys_size)
		return 0;
	for (size = map->keys_size ? map->keys_size : 256; size < want; size *= 2)
		;
	if ((keys = realloc(map->keys, size)) == NULL)
		return -1;
	map->keys = keys;
	map->keys_size = size;
	return 0;
}

int strmap_add(struct strmap *map, const char *key, size_t len, uint32_t value)
{
	uint32_t len32 = (uint32_t)len;
	struct slot *slot;
	uint64_t hash;

	if (len >= UINT32_MAX)
		return -1;
	hash = hash_bytes(key, len);
	if (map->slots == NULL || (map->count + 1) * 4 > (map->mask + 1) * 3) {
		if (grow_slots(map) < 0)
			return -1;
	}
	slot = probe(map, hash, key, len);
	if (slot->key != 0)
		return 0;
	if (reserve_key(map, len) < 0)
		return -1;
	slot->tag = (uint32_t)(hash >> 32);
	slot->key = (uint32_t)map->keys_len + 1;
	slot->value = value;
	memcpy(map->keys + map->keys_len, &len32, sizeof(len32));
	memcpy(map->keys + map->keys_len + sizeof(len32), key, len);
	map->keys_len += sizeof(len32) + len;
	map->count++;
	return 1;
}

int strmap_find(const struct strmap *map, const char *key, size_t len, uint32_t *value_r)
{
	const struct slot *slot;

	if (map->count == 0)
		return 0;
	slot = probe(map, hash_bytes(key, len), key, len);
	if (slot->key == 0)
		return 0;
	if (value_r != NULL)
		*value_r = slot->value;
	return 1;
}

const char *strmap_next(const struct strmap *map, const char *at, size_t *len_r)
{
	const char *next = map->keys;
	uint32_t len;

	if (at != NULL) {
		memcpy(&len, at - sizeof(len), sizeof(len));
		next = at + len;
	}
	if (map->keys_len == 0 || next == map->keys + map->keys_len)
		return NULL;
	memcpy(&len, next, sizeof(len));
	*len_r = len;
	return next + sizeof(len);
}

size_t strmap_count(const struct strmap *map)
{
	return map->count;
}

size_t strmap_bytes(const struct strmap *map)
{
	return sizeof(*map) + (map->mask + 1) * sizeof(struct slot) + map->keys_size;
}

void strmap_shrink(struct strmap *map)
{
	char *keys;

	if (map->keys_len == 0 || map->keys_len == map->keys_size)
		return;
	if ((keys = realloc(map->keys, map->keys_len)) != NULL) {
		map->keys = keys;
		map->keys_size = map->keys_len;
	}
}
