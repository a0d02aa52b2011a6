/*
 * Quotes words for a shell, and identifiers and literals for PostgreSQL, as printable ASCII. Owns
 * nothing. t/unit/test_paste_quote.c covers it.
 */
#include "ctl/paste_quote.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/utf8.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static bool is_printable_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

/* Return whether the shells give no character of a word a meaning. */
static bool is_plain(const char *word)
{
	size_t len = 0;

	while (word[len] != '\0' &&
		(strchr(letters, word[len]) != NULL || strchr("@%+=:,./_-", word[len]) != NULL))
		len++;
	return len > 0 && word[len] == '\0' && word[0] != '='; /* zsh expands =NAME */
}

int paste_quote_shell(struct strbuf *out, const char *word)
{
	const size_t len = strlen(word);

	if (is_plain(word)) {
		strbuf_add_str(out, word);
	} else if (is_printable_ascii(word)) {
		strbuf_add_char(out, '\'');
		for (; *word != '\0'; word++) {
			if (*word == '\'')
				strbuf_add_str(out, "'\\''");
			else
				strbuf_add_char(out, *word);
		}
		strbuf_add_char(out, '\'');
	} else if (word[len - 1] == '\n') {
		return -1;
	} else {
		strbuf_add_str(out, "\"$(printf '");
		for (; *word != '\0'; word++) {
			if (strchr(letters, *word) != NULL)
				strbuf_add_char(out, *word);
			else
				strbuf_addf(out, "\\%03o", (unsigned)(unsigned char)*word);
		}
		strbuf_add_str(out, "')\"");
	}
	return 0;
}

static int quote_sql(struct strbuf *out, char quote, const char *text)
{
	const size_t len = strlen(text);
	const char *prefix = !is_printable_ascii(text)	    ? "U&" :
		quote == '\'' && strchr(text, '\\') != NULL ? "E" :
							      "";
	size_t at = 0, step;

	if (utf8_valid_len(text, len) != len)
		return -1;
	strbuf_addf(out, "%s%c", prefix, quote);
	for (; at < len; at += step) {
		const uint32_t c = utf8_read(text + at, len - at, &step);

		if (c < ' ' || c > '~')
			strbuf_addf(out, "\\+%06x", (unsigned)c);
		else if (c == (uint32_t)quote || (c == '\\' && *prefix != '\0'))
			strbuf_addf(out, "%c%c", (char)c, (char)c);
		else
			strbuf_add_char(out, (char)c);
	}
	strbuf_add_char(out, quote);
	return 0;
}

int paste_quote_sql_name(struct strbuf *out, const char *name)
{
	return quote_sql(out, '"', name);
}

int paste_quote_sql_text(struct strbuf *out, const char *text)
{
	return quote_sql(out, '\'', text);
}
