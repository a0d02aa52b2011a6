#ifndef POSTERN_IMPORT_CONF_H
#define POSTERN_IMPORT_CONF_H

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/* A key of the postern.conf that an import makes, and the old line from which it comes. */
struct import_key {
	const char *section, *name, *value;
	const char *file; /* "": from no line */
	unsigned line;
};

/* The keys, in the order of import_conf_set(). Initialize it with import_conf_init(). */
struct import_conf {
	struct arena *arena; /* of all texts */
	struct import_key *keys;
	size_t count, size;
};

int import_conf_init(struct import_conf *conf); /* -1: out of memory */
void import_conf_clear(struct import_conf *conf);

/*
 * Set a key, also of [limit NAME], in place of an earlier value. The file must be a constant, or
 * live as long. Returns 0, or -1 with err set: postern.conf cannot contain the value, or the key
 * refuses it.
 */
int import_conf_set(struct import_conf *conf, const char *section, const char *name,
	const char *value, const char *file, unsigned line, struct errmsg *err);

/* Return the value of a key; NULL if it is not set. */
const char *import_conf_get(const struct import_conf *conf, const char *section, const char *name);

/*
 * Write the text of postern.conf. A key that the others contradict is removed: *refused_r is a copy
 * of it, and err has the reason; call the function again then. Returns 1 in this case, 0 when the
 * text is complete, and -1 with err set when it is wrong in another way.
 */
int import_conf_write(struct import_conf *conf, const char *path, const char *comment,
	struct strbuf *text, struct import_key *refused_r, struct errmsg *err);

#endif
