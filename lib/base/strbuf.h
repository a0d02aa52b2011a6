#ifndef POSTERN_STRBUF_H
#define POSTERN_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text that grows. Start with STRBUF_INIT; `text` is NULL or NUL-terminated.
 * Out of memory sets `failed` and makes every later call do nothing, so that a
 * caller may build the whole and ask once.
 */
struct strbuf {
	char *text;
	size_t len, size;
	bool failed;
};

#define STRBUF_INIT               \
	{                         \
		NULL, 0, 0, false \
	}

void strbuf_add(struct strbuf *buf, const char *text, size_t len);
void strbuf_add_str(struct strbuf *buf, const char *text);
void strbuf_add_char(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Make it empty, keep the memory and forget a failure. */
void strbuf_reset(struct strbuf *buf);

/* Free the memory; the buffer is as new. */
void strbuf_free(struct strbuf *buf);

/* The text, now the caller's to free(); NULL when anything failed. The buffer is as new. */
char *strbuf_take(struct strbuf *buf);

#endif
