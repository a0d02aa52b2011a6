/*
 * A text that grows.
 * The caller owns the buffer and uses it in one thread at a time.
 */
#include "lib/base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strbuf_lend(struct strbuf *buf, char *memory, size_t size)
{
	*buf = (struct strbuf){ .text = memory, .size = size, .is_lent = true };
	memory[0] = '\0';
}

/* Give the text so many bytes of its own. */
static bool resize(struct strbuf *buf, size_t size)
{
	char *text = realloc(buf->is_lent ? NULL : buf->text, size);

	if (text == NULL) {
		buf->failed = true;
		return false;
	}
	if (buf->is_lent)
		memcpy(text, buf->text, buf->len + 1);
	buf->text = text;
	buf->size = size;
	buf->is_lent = false;
	return true;
}

/* Make room for len more bytes and a NUL. */
static bool reserve(struct strbuf *buf, size_t len)
{
	size_t want, size;

	if (buf->failed || len > SIZE_MAX / 4 - buf->len) {
		buf->failed = true;
		return false;
	}
	want = buf->len + len + 1;
	if (want <= buf->size)
		return true;
	for (size = buf->size ? buf->size : 64; size < want; size *= 2)
		;
	return resize(buf, size);
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
	if (!reserve(buf, 1))
		return;
	buf->text[buf->len++] = c;
	buf->text[buf->len] = '\0';
}

void strbuf_vaddf(struct strbuf *buf, const char *format, va_list args)
{
	const size_t room = buf->failed ? 0 : buf->size - buf->len;
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(room > 0 ? buf->text + buf->len : NULL, room, format, args);
	if (len < 0) {
		buf->failed = true;
	} else if ((size_t)len < room) {
		buf->len += (size_t)len;
	} else if (reserve(buf, (size_t)len)) {
		(void)vsnprintf(buf->text + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	if (room > 0)
		buf->text[buf->len] = '\0'; /* also after a failure */
	va_end(again);
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strbuf_vaddf(buf, format, args);
	va_end(args);
}

void strbuf_add_number(struct strbuf *buf, unsigned long long number)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	strbuf_add(buf, digits + at, sizeof(digits) - at);
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
	if (!buf->is_lent)
		free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

char *strbuf_take(struct strbuf *buf)
{
	char *text = NULL;

	strbuf_add(buf, "", 0); /* an empty buffer gives "", not NULL */
	if (!buf->failed && (!buf->is_lent || resize(buf, buf->len + 1))) {
		text = buf->text;
		buf->text = NULL;
	}
	strbuf_free(buf);
	return text;
}
