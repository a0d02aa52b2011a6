/*
 * The printer of everything that a person reads. It owns nothing: it writes to the stream that the
 * caller passes. Any thread may call it.
 */
#include "lib/base/print.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/visible.h"

static void print_visible(FILE *out, const char *text, size_t len)
{
	struct strbuf shown = STRBUF_INIT;

	visible_add(&shown, text, len);
	if (shown.failed)
		(void)fputs("(out of memory)", out);
	else
		(void)fwrite(shown.text, 1, shown.len, out);
	strbuf_free(&shown);
}

static void print_args(FILE *out, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void print_args(FILE *out, const char *format, va_list args)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, format, args);
	if (text.failed)
		(void)fputs("(out of memory)", out);
	else
		print_visible(out, text.text, text.len);
	strbuf_free(&text);
}

void print_text(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_args(out, format, args);
	va_end(args);
}

void print_end(FILE *out)
{
	(void)fputc('\n', out);
}

void print_line(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_args(out, format, args);
	va_end(args);
	print_end(out);
}

void print_lines(FILE *out, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		print_visible(out, text, len);
		if (text[len] == '\n') {
			(void)fputc('\n', out);
			len++;
		}
	}
}
