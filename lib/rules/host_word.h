#ifndef POSTERN_HOST_WORD_H
#define POSTERN_HOST_WORD_H

#include <stddef.h>

/* A wildcard of hosts_access(5), its meaning there, and a text to append about what is right. */
struct host_word {
	const char *word, *meaning, *right;
};

/* Return the wildcard that the text is, or NULL. Thread-safe. */
const struct host_word *host_word_find(const char *text, size_t len);

#endif
