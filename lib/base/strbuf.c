/*
 * A text that grows.
 * The caller owns the buffer and uses it in one thread at a time.
 */
#include "lib/base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Make room for len more bytes and a NUL. */
static bool reserve(struct strbuf *buf, size_t len)
{
	size_t want, size;
	char *text;

	if (buf->failed || len > SIZE_MAX / 4 - buf->len) {
		buf->failed = true;
		return false;
	}
	want = buf->len + len + 1;
	if (want <= buf->size)
		return true;
	for (size = buf->size ? buf->size : 64; size < want; size *= 2)
		;
	if ((text = realloc(buf->text, size)) == NULL) {
		buf->failed = true;
		return false;
	}
	buf->text = text;
	buf->size = size;
	return true;
}

void strbuf_add(struct strbuf *buf, const char *text, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len > 0)
		memcpy(buf->text + buf->len, text, len);
	buf->len += len;
	buf->text[buf->len] = '\0';
}

void strbuf_add_str(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_add_char(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void strbuf_vaddf(struct strbuf *buf, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len < 0) {
		buf->failed = true;
	} else if (reserve(buf, (size_t)len)) {
		(void)vsnprintf(buf->text + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strbuf_vaddf(buf, format, args);
	va_end(args);
}

void strbuf_reset(struct strbuf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->text != NULL)
		buf->text[0] = '\0';
}

void strbuf_free(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

char *strbuf_take(struct strbuf *buf)
{
	char *text = NULL;

	strbuf_add(buf, "", 0); /* an empty buffer gives "", not NULL */
	if (!buf->failed) {
		text = buf->text;
		buf->text = NULL;
	}
	strbuf_free(buf);
	return text;
}
