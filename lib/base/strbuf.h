#ifndef POSTERN_STRBUF_H
#define POSTERN_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A text that grows, initialized with STRBUF_INIT; `text` is NULL or NUL-terminated. When memory
 * runs out, `failed` is set and every later call does nothing, so that a caller can build the whole
 * text and check once. One thread at a time.
 */
struct strbuf {
	char *text;
	size_t len, size;
	bool failed, is_lent;
};

#define STRBUF_INIT                      \
	{                                \
		NULL, 0, 0, false, false \
	}

/* Begin an empty text in memory of the caller, at least one byte, which must stay as long as the
 * text: as long as that fits, nothing is allocated. */
void strbuf_lend(struct strbuf *buf, char *memory, size_t size);

void strbuf_add(struct strbuf *buf, const char *text, size_t len);
void strbuf_add_str(struct strbuf *buf, const char *text);
void strbuf_add_char(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void strbuf_add_number(struct strbuf *buf, unsigned long long number); /* in decimal */

/* Empty the buffer and clear `failed`, but keep the memory. */
void strbuf_reset(struct strbuf *buf);

/* Free the memory and initialize the buffer again. */
void strbuf_free(struct strbuf *buf);

/* Return the text, which the caller must free(), or NULL when an addition failed. Initializes the
 * buffer again. */
char *strbuf_take(struct strbuf *buf);

#endif
