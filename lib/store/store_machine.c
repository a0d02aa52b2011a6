#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/store/store_checksum.h"
#include "lib/store/store_text.h"

#define ADVICE "; restore it from a backup, or remove it"

bool store_text_is_machine(const char *text, size_t len)
{
	return len >= strlen(STORE_HEAD) && memcmp(text, STORE_HEAD, strlen(STORE_HEAD)) == 0;
}

/* Lines of a text, one after the other. */
struct lines {
	char *at, *end;
};

/* The next line without its LF, with a NUL in its place. false at the end. */
static bool next_line(struct lines *lines, char **line_r, size_t *len_r)
{
	char *stop;

	if (lines->at == lines->end)
		return false;
	if ((stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at))) == NULL)
		return false; /* every line has its LF */
	*stop = '\0';
	*line_r = lines->at;
	*len_r = (size_t)(stop - lines->at);
	lines->at = stop + 1;
	return true;
}

/* Where the last line begins; it ends in LF. NULL when there is no such. */
static char *last_line(char *text, size_t len)
{
	char *before;

	if (len < 2 || text[len - 1] != '\n')
		return NULL;
	before = memrchr(text, '\n', len - 1);
	return before == NULL ? NULL : before + 1;
}

/* Whether what stands before the last line has the checksum that it names. */
static int verify(char *text, const char *last, size_t last_len, struct errmsg *err)
{
	const size_t label = strlen(STORE_CHECKSUM), digits = STORE_CHECKSUM_SIZE - 1;
	struct store_checksum *checksum;
	char hex[STORE_CHECKSUM_SIZE];
	int ret;

	if (last == NULL || last_len != label + digits + strlen("\"}\n") ||
		memcmp(last, STORE_CHECKSUM, label) != 0 ||
		memcmp(last + label + digits, "\"}\n", 3) != 0)
		return errmsg_set(err,
			"torn: the checksum that should be its last line is missing" ADVICE);
	if ((checksum = store_checksum_new()) == NULL)
		return errmsg_set(err, "out of memory");
	ret = store_checksum_add(checksum, text, (size_t)(last - text)) < 0 ||
			store_checksum_end(checksum, hex) < 0 ?
		-1 :
		0;
	store_checksum_free(&checksum);
	if (ret < 0)
		return errmsg_set(err, "its checksum can't be computed");
	if (memcmp(hex, last + label, digits) != 0)
		return errmsg_set(err,
			"altered: it doesn't have the checksum that its last line names" ADVICE
			"; to keep changes made by hand, take revision, written and checksum out of it");
	return 0;
}

/* The first line: an object that goes on in the next ones. */
static int read_head(char *line, size_t len, struct store_head *head_r, struct errmsg *err)
{
	const char *revision = NULL, *written = NULL;
	struct tm tm = { 0 };
	json_t *head = NULL;

	if (len > 0 && line[len - 1] == ',') {
		line[len - 1] = '}';
		head = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	}
	if (head == NULL ||
		json_unpack(head, "{s:s, s?s}", "revision", &revision, "written", &written) < 0 ||
		(head_r->revision = strdup(revision)) == NULL) {
		json_decref(head);
		return errmsg_set(err, "its first line can't be read" ADVICE);
	}
	head_r->written = written != NULL && strptime(written, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ?
		(int64_t)timegm(&tm) :
		0;
	json_decref(head);
	return 0;
}

/* The rows of a table up to the line that ends it. */
static int read_rows(struct store_rows *rows, enum store_table table, struct lines *lines,
	struct errmsg *err)
{
	char *line;
	size_t len;

	while (next_line(lines, &line, &len)) {
		if (strcmp(line, "],") == 0)
			return 0;
		if (len > 0 && line[len - 1] == ',')
			len--;
		if (store_row_add_line(rows, table, line, len) < 0)
			return errmsg_set(err, "out of memory");
	}
	return errmsg_set(err, "its %s do not end" ADVICE, store_table_name(table));
}

static int expect(struct lines *lines, const char *want, struct errmsg *err)
{
	char *line;
	size_t len;

	if (next_line(lines, &line, &len) && strcmp(line, want) == 0)
		return 0;
	return errmsg_set(err, "the line %s is missing" ADVICE, want);
}

int store_text_machine(struct store_rows *rows, char *text, size_t len, struct store_head *head_r,
	struct errmsg *err)
{
	char *last = last_line(text, len), *line;
	struct lines lines = { .at = text, .end = last };
	struct store_head head = { 0 };

	if (verify(text, last, last != NULL ? len - (size_t)(last - text) : 0, err) < 0)
		return -1;
	if (!next_line(&lines, &line, &len))
		return errmsg_set(err, "its first line can't be read" ADVICE);
	if (read_head(line, len, &head, err) < 0 || expect(&lines, "\"profiles\":[", err) < 0 ||
		read_rows(rows, STORE_PROFILES, &lines, err) < 0 ||
		expect(&lines, "\"users\":[", err) < 0 ||
		read_rows(rows, STORE_USERS, &lines, err) < 0) {
		free(head.revision);
		return -1;
	}
	*head_r = head;
	return 0;
}
