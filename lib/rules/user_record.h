#ifndef POSTERN_USER_RECORD_H
#define POSTERN_USER_RECORD_H

#include "lib/base/strbuf.h"
#include "lib/rules/shard_map.h"
#include "lib/rules/users.h"

/*
 * One user in the memory of a shard, packed without alignment: a head, then id, name, password and
 * profile id, each with its NUL, then the froms. Part of users.c.
 */
struct user_head {
	uint32_t hash; /* of the name in lower case, see user_name_fold() */
	uint32_t froms_len;
	uint16_t id_len, name_len, password_len, profile_len; /* without NUL */
	uint8_t has_froms, enabled;
	uint16_t idn_units; /* what its froms take of DOMAIN_IDN_MAX, rounded up; no byte is unused,
			       so that records can be compared as bytes */
};

#define USER_IDN_UNIT 16 /* bytes */

#define USER_NAME_MAX 512

/* Bytes of froms as a row has them. More would delay each load and each MAIL. */
#define USER_FROMS_MAX (256 << 10)

/* The high bits of a name's hash that select its shard. */
#define USER_SHARD_BITS SHARD_MAP_BITS

struct user_head user_record_head(const char *record);
size_t user_record_size(const char *record);
void user_record_read(const char *record, struct user *user_r); /* points into the record */

/*
 * Write the name, of at most USER_NAME_MAX bytes, in lower case (ASCII). Returns its hash. The
 * USER_SHARD_BITS are the same in each process, the others are not, so that nobody can choose names
 * that collide within a shard.
 */
uint32_t user_name_fold(const char *name, size_t len, char folded_r[USER_NAME_MAX]);

/* How rows become records. */
struct user_reading {
	users_password_test *password_test; /* NULL: none */
	size_t idn_bytes;		    /* of all froms so far, see domain_idn_bytes() */
};

/*
 * Append the record of a row to buf; *hash_r is the hash of its name. Returns 1, 0 when the row is
 * left out (problems tells why), or -1 when out of memory.
 */
int user_record_write(struct user_reading *reading, struct strbuf *buf,
	const struct cell row[USER_COLUMNS], uint32_t *hash_r, struct problems *problems);

#endif
