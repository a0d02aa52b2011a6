/*
 * Quoted key=value pairs, so that no value can pass for another key or line of the log. Owns
 * nothing; any thread may call it.
 */
#include "milter/log/quote.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

static bool is_plain(const char *value)
{
	static const char marks[] = "@._-+/:<>[]%,!~*";

	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++) {
		if (!(*value >= 'a' && *value <= 'z') && !(*value >= 'A' && *value <= 'Z') &&
			!(*value >= '0' && *value <= '9') && strchr(marks, *value) == NULL)
			return false;
	}
	return true;
}

/* Return how many of the first len bytes stand for themselves between quotation marks. */
static size_t count_literal(const char *value, size_t len)
{
	size_t i = 0;

	while (i < len && value[i] >= ' ' && value[i] <= '~' && value[i] != '"' && value[i] != '\\')
		i++;
	return i;
}

static void add_escaped(struct strbuf *line, char c)
{
	if (c == '"' || c == '\\') {
		strbuf_add_char(line, '\\');
		strbuf_add_char(line, c);
	} else {
		strbuf_addf(line, "\\x%02x", (unsigned char)c);
	}
}

static void add_key(struct strbuf *line, const char *key)
{
	if (line->len > 0)
		strbuf_add_char(line, ' ');
	strbuf_add_str(line, key);
	strbuf_add_char(line, '=');
}

void quote_add(struct strbuf *line, const char *key, const char *value)
{
	size_t len, shown, literal;

	if (value == NULL)
		return;
	add_key(line, key);
	len = strlen(value);
	if (len <= QUOTE_MAX && is_plain(value)) {
		strbuf_add(line, value, len);
		return;
	}
	shown = text_fit(value, len, QUOTE_MAX);
	strbuf_add_char(line, '"');
	for (size_t i = 0; i < shown; i++) {
		literal = count_literal(value + i, shown - i);
		strbuf_add(line, value + i, literal);
		i += literal;
		if (i < shown)
			add_escaped(line, value[i]);
	}
	strbuf_add_str(line, shown < len ? "...\"" : "\"");
}

void quote_add_number(struct strbuf *line, const char *key, unsigned long long value)
{
	add_key(line, key);
	strbuf_add_number(line, value);
}

void quote_log(enum log_level level, const char *key, const char *value, const char *format, ...)
{
	struct strbuf line = STRBUF_INIT;
	char event[256];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	(void)text_vformat(event, sizeof(event), format, args);
	va_end(args);
	strbuf_add_str(&line, event);
	quote_add(&line, key, value);
	if (!line.failed)
		log_line(level, line.text, line.len);
	strbuf_free(&line);
}
