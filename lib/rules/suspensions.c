/*
 * The suspended logins: a sorted array under its own lock.
 * Any thread may call it.
 */
#include "lib/rules/suspensions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"

struct suspensions {
	pthread_rwlock_t lock; /* of all members */
	size_t count, size;    /* the count is atomic, too */
	char **logins;	       /* folded, sorted */
};

struct suspensions *suspensions_new(void)
{
	struct suspensions *suspensions = calloc(1, sizeof(*suspensions));

	if (suspensions != NULL && pthread_rwlock_init(&suspensions->lock, NULL) != 0) {
		free(suspensions);
		return NULL;
	}
	return suspensions;
}

void suspensions_free(struct suspensions **suspensions)
{
	struct suspensions *gone = *suspensions;

	*suspensions = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->count; i++)
		free(gone->logins[i]);
	free(gone->logins);
	(void)pthread_rwlock_destroy(&gone->lock);
	free(gone);
}

/* Return whether the text is a possible login; if so, folded_r receives it in lower case. */
static bool fold(const char *login, char folded_r[SUSPENSION_LOGIN_MAX + 1])
{
	size_t i;

	for (i = 0; login[i] != '\0'; i++) {
		if (i == SUSPENSION_LOGIN_MAX)
			return false;
		folded_r[i] = ascii_lower(login[i]);
	}
	folded_r[i] = '\0';
	return i > 0;
}

/* Return the index of the login, or where it belongs. The lock must be held. */
static size_t place_of(const struct suspensions *suspensions, const char *folded, bool *there_r)
{
	size_t first = 0, end = suspensions->count, middle;
	int order;

	*there_r = false;
	while (first < end) {
		middle = first + (end - first) / 2;
		order = strcmp(folded, suspensions->logins[middle]);
		if (order == 0) {
			*there_r = true;
			return middle;
		}
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return first;
}

static int insert(struct suspensions *suspensions, size_t place, const char *folded)
{
	size_t size = suspensions->size == 0 ? 16 : suspensions->size * 2;
	char *copy, **grown;

	if (suspensions->count == SUSPENSIONS_MAX || (copy = strdup(folded)) == NULL)
		return -1;
	if (suspensions->count == suspensions->size) {
		if ((grown = realloc(suspensions->logins, size * sizeof(*grown))) == NULL) {
			free(copy);
			return -1;
		}
		suspensions->logins = grown;
		suspensions->size = size;
	}
	memmove(&suspensions->logins[place + 1], &suspensions->logins[place],
		(suspensions->count - place) * sizeof(copy));
	suspensions->logins[place] = copy;
	__atomic_add_fetch(&suspensions->count, 1, __ATOMIC_RELEASE);
	return 1;
}

static int set(struct suspensions *suspensions, const char *folded, bool suspended)
{
	bool there;
	size_t place = place_of(suspensions, folded, &there);

	if (there == suspended)
		return 0;
	if (suspended)
		return insert(suspensions, place, folded);
	free(suspensions->logins[place]);
	__atomic_sub_fetch(&suspensions->count, 1, __ATOMIC_RELEASE);
	memmove(&suspensions->logins[place], &suspensions->logins[place + 1],
		(suspensions->count - place) * sizeof(char *));
	return 1;
}

int suspensions_set(struct suspensions *suspensions, const char *login, bool suspended)
{
	char folded[SUSPENSION_LOGIN_MAX + 1];
	int ret;

	if (!fold(login, folded))
		return -1;
	(void)pthread_rwlock_wrlock(&suspensions->lock);
	ret = set(suspensions, folded, suspended);
	(void)pthread_rwlock_unlock(&suspensions->lock);
	return ret;
}

bool suspensions_has(struct suspensions *suspensions, const char *login)
{
	char folded[SUSPENSION_LOGIN_MAX + 1];
	bool there = false;

	/* Usually nobody is suspended: then the threads that decide need no lock. */
	if (suspensions == NULL || suspensions_count(suspensions) == 0 || !fold(login, folded))
		return false;
	(void)pthread_rwlock_rdlock(&suspensions->lock);
	(void)place_of(suspensions, folded, &there);
	(void)pthread_rwlock_unlock(&suspensions->lock);
	return there;
}

size_t suspensions_count(struct suspensions *suspensions)
{
	return __atomic_load_n(&suspensions->count, __ATOMIC_ACQUIRE);
}

void suspensions_each(struct suspensions *suspensions,
	void (*each)(void *context, const char *login), void *context)
{
	(void)pthread_rwlock_rdlock(&suspensions->lock);
	for (size_t i = 0; i < suspensions->count; i++)
		each(context, suspensions->logins[i]);
	(void)pthread_rwlock_unlock(&suspensions->lock);
}

/* ---- the text --------------------------------------------------------------------- */

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* Append a line. Bytes that a line cannot hold, or that have a meaning there, become \xHH. */
static void write_line(void *context, const char *login)
{
	struct strbuf *text = context;

	for (size_t i = 0; login[i] != '\0'; i++) {
		bool is_end = i == 0 || login[i + 1] == '\0';

		if (is_control(login[i]) || login[i] == '\\' || (i == 0 && login[i] == '#') ||
			(is_end && login[i] == ' '))
			strbuf_addf(text, "\\x%02x", (unsigned)(unsigned char)login[i]);
		else
			strbuf_add_char(text, login[i]);
	}
	strbuf_add_char(text, '\n');
}

void suspensions_write(struct suspensions *suspensions, struct strbuf *text)
{
	suspensions_each(suspensions, write_line, text);
}

/* Decode the \xHH at text. Returns the byte, or -1 when there is none; a backslash alone stands for
 * itself. */
static int decode_byte(const char *text, const char *end)
{
	int high, low;

	if (end - text < 4 || text[0] != '\\' || text[1] != 'x' ||
		(high = ascii_hex_digit(text[2])) < 0 || (low = ascii_hex_digit(text[3])) < 0)
		return -1;
	return high << 4 | low;
}

/* Decode a line that write_line() has written. Returns 0, or -1 with err set for any other one. */
static int read_line(const char *line, const char *end, char login_r[SUSPENSION_LOGIN_MAX + 1],
	struct errmsg *err)
{
	size_t len = 0;
	int byte;

	if (line[0] == ' ' || end[-1] == ' ')
		return errmsg_set(err,
			"a line cannot begin or end with a space; write \\x20 if it belongs to the "
			"login");
	while (line < end && len < SUSPENSION_LOGIN_MAX) {
		if (is_control(*line) || (byte = decode_byte(line, end)) == 0)
			return errmsg_set(err,
				"a control character; write \\xHH with its number in hexadecimal");
		login_r[len++] = byte < 0 ? *line : (char)byte;
		line += byte < 0 ? 1 : 4;
	}
	login_r[len] = '\0';
	if (line < end)
		return errmsg_set(err, "longer than a login can be (%d bytes)",
			SUSPENSION_LOGIN_MAX);
	return 0;
}

/* Read a line into suspensions. Returns 0, or -1 with err set. */
static int add_line(struct suspensions *suspensions, const char *line, const char *end,
	struct errmsg *err)
{
	char login[SUSPENSION_LOGIN_MAX + 1] = "", folded[SUSPENSION_LOGIN_MAX + 1];

	if (line == end || line[0] == '#')
		return 0;
	if (read_line(line, end, login, err) != 0)
		return -1;
	if (!fold(login, folded) || set(suspensions, folded, true) < 0)
		return errmsg_set(err, "out of memory, or more than %d logins", SUSPENSIONS_MAX);
	return 0;
}

int suspensions_read(struct suspensions *suspensions, const char *text, size_t len,
	struct errmsg *err)
{
	struct suspensions read = { .count = 0 };
	const char *end = text + len, *stop;
	unsigned line = 0;
	size_t old_count;
	char **old;
	int ret = 0;

	for (; text < end && ret >= 0; text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop == NULL ? end : stop;
		line++;
		ret = add_line(&read, text, stop, err);
	}
	if (ret < 0)
		(void)errmsg_prefix(err, "%u: ", line);
	(void)pthread_rwlock_wrlock(&suspensions->lock);
	old = ret < 0 ? read.logins : suspensions->logins;
	old_count = ret < 0 ? read.count : suspensions->count;
	if (ret >= 0) {
		suspensions->logins = read.logins;
		__atomic_store_n(&suspensions->count, read.count, __ATOMIC_RELEASE);
		suspensions->size = read.size;
	}
	(void)pthread_rwlock_unlock(&suspensions->lock);
	for (size_t i = 0; i < old_count; i++)
		free(old[i]);
	free(old);
	return ret;
}
