/*
 * The form of the journal of a JSON store: frames its lines, and finds those that are intact. Holds
 * no state; any thread. t/unit/test_store_journal.c covers it.
 */
#include "lib/store/store_journal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/text.h"
#include "lib/store/store_checksum.h"

#define HEAD STORE_JOURNAL_FORMAT " sha256:"
#define DIGITS 8	     /* of a line's checksum */
#define TEXT_AT (DIGITS + 1) /* of a line's text: behind the checksum and a blank */
#define LINE_MIN (TEXT_AT + 1)

/* Write a checksum in place of one, without a NUL. */
static void put_digits(char *at, uint32_t value)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = DIGITS; i-- > 0; value >>= 4)
		at[i] = digits[value & 15];
}

static bool get_digits(const char *at, uint32_t *value_r)
{
	uint32_t value = 0;

	for (int i = 0; i < DIGITS; i++) {
		const char c = at[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*value_r = value;
	return true;
}

/* ---- writing -------------------------------------------------------------------- */

static void frame_line(struct strbuf *text, struct journal_end *end, const char *line, size_t len)
{
	const size_t start = text->len;

	strbuf_add_str(text, "00000000 ");
	strbuf_add(text, line, len);
	strbuf_add_char(text, '\n');
	if (text->failed)
		return;
	put_digits(text->text + start, end->chain);
	end->chain = crc32c(text->text + start, TEXT_AT + len);
	put_digits(text->text + start, end->chain);
	end->len += TEXT_AT + len + 1;
}

void journal_frame(struct strbuf *text, struct journal_end *end, const char *store_checksum,
	const char *lines, size_t len)
{
	char head[sizeof(HEAD) + STORE_CHECKSUM_SIZE];
	const char *at, *stop;

	if (end->len == 0) {
		(void)text_format(head, sizeof(head), HEAD "%s", store_checksum);
		frame_line(text, end, head, strlen(head));
	}
	for (at = lines; at < lines + len; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(lines + len - at));
		if (stop == NULL)
			stop = lines + len;
		frame_line(text, end, at, (size_t)(stop - at));
	}
}

/* ---- reading -------------------------------------------------------------------- */

struct parsing {
	char *text;
	size_t len, at;
	uint32_t chain;
	size_t rows_size;  /* for which there is room */
	size_t rows_count; /* also of the change that is being read */
	struct journal_row *rows;
};

/* Get the next line's text if the line is intact. */
static bool next_line(struct parsing *p, const char **line_r, size_t *len_r)
{
	char *line = p->text + p->at, *stop;
	uint32_t want;

	if (p->len - p->at < LINE_MIN || !get_digits(line, &want) ||
		(stop = memchr(line, '\n', p->len - p->at)) == NULL || stop - line < TEXT_AT)
		return false;
	put_digits(line, p->chain);
	if (line[DIGITS] != ' ' || crc32c(line, (size_t)(stop - line)) != want)
		return false;
	p->chain = want;
	p->at += (size_t)(stop - line) + 1;
	*line_r = line + TEXT_AT;
	*len_r = (size_t)(stop - line) - TEXT_AT;
	return true;
}

/* Move behind a prefix. */
static bool skip(const char **at, size_t *len, const char *prefix)
{
	const size_t prefix_len = strlen(prefix);

	if (*len < prefix_len || memcmp(*at, prefix, prefix_len) != 0)
		return false;
	*at += prefix_len;
	*len -= prefix_len;
	return true;
}

/* Return 1 if the line has a row, 0 if not, or -1 when out of memory. */
static int read_row(struct parsing *p, const char *line, size_t len)
{
	struct journal_row row = { .is_removal = skip(&line, &len, "-") }, *rows;
	size_t size;

	if (skip(&line, &len, "users "))
		row.table = STORE_USERS;
	else if (skip(&line, &len, "profiles "))
		row.table = STORE_PROFILES;
	else
		return 0;
	row.at = (uint32_t)(line - p->text);
	row.len = (uint32_t)len;
	if (p->rows_count == p->rows_size) {
		size = p->rows_size == 0 ? 64 : p->rows_size * 2;
		if ((rows = realloc(p->rows, size * sizeof(*rows))) == NULL)
			return -1;
		p->rows = rows;
		p->rows_size = size;
	}
	p->rows[p->rows_count++] = row;
	return 1;
}

/* Read the lines up to the first one that is not intact. Returns 0, or -1 when out of memory. */
static int read_lines(struct parsing *p, struct journal *journal)
{
	const char *line;
	size_t len;
	int ret = 1;

	while (ret > 0 && next_line(p, &line, &len)) {
		if (!skip(&line, &len, "state ")) {
			ret = read_row(p, line, len);
			continue;
		}
		journal->count = p->rows_count;
		journal->state_at = (uint32_t)(line - p->text);
		journal->state_len = (uint32_t)len;
		journal->end = (struct journal_end){ p->at, p->chain };
	}
	return ret < 0 ? -1 : 0;
}

int journal_parse(char *text, size_t len, const char *store_checksum, struct journal *journal_r)
{
	struct parsing p = { .text = text, .len = len };
	struct journal journal = { .text = text };
	const char *line;
	size_t line_len;
	int ret = 0;

	if (next_line(&p, &line, &line_len)) {
		journal.is_foreign = !skip(&line, &line_len, HEAD) ||
			line_len != strlen(store_checksum) ||
			memcmp(line, store_checksum, line_len) != 0;
		if (!journal.is_foreign) {
			journal.end = (struct journal_end){ p.at, p.chain };
			ret = read_lines(&p, &journal);
			journal.rows = p.rows;
		}
	}
	journal.excess = len - journal.end.len;
	if (ret < 0)
		journal_clear(&journal);
	*journal_r = journal;
	return ret;
}

void journal_clear(struct journal *journal)
{
	free(journal->rows);
	*journal = (struct journal){ .text = NULL };
}
