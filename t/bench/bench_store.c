/*
 * Measures how long a JSON store takes to load: parts of the layout that Postern writes, and other
 * layouts compared with it. One thread.
 * Usage: bench_store [USERS] [PAIRS] [NAME]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/store/store_checksum.h"
#include "lib/store/store_write.h"
#include "t/bench/lib/store_texts.h"
#include "t/bench/lib/timing.h"

#define PAIRS_MAX 99

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

/* Load a copy of the text, and return the CPU time in seconds. */
static double load(const struct strbuf *text, size_t users, struct store *store_r)
{
	const struct store_source source = { 0 };
	struct errmsg err = { "" };
	char *copy = malloc(text->len + 1);
	uint64_t start;
	double took;

	if (copy == NULL)
		fail("out of memory");
	memcpy(copy, text->text, text->len + 1);
	start = cpu_ns();
	if (store_parse("store", copy, text->len, NULL, &source, store_r, &err) != STORE_READ)
		fail(err.text);
	took = (double)(cpu_ns() - start) / 1e9;
	if (users_count(store_r->users) != users)
		fail("the number of users is wrong");
	free(copy);
	return took;
}

static double load_time(const struct strbuf *text, size_t users)
{
	struct store store;
	double took = load(text, users, &store);

	store_clear(&store);
	return took;
}

/* Read the file, so that the text is that of store_write(). */
static void read_file(const char *path, struct strbuf *text)
{
	struct errmsg err = { "" };
	const uint64_t start = cpu_ns();
	char *bytes;
	size_t len;

	if (file_read(path, STORE_MAX, &bytes, &len, NULL, &err) != FILE_READ)
		fail(err.text);
	(void)printf("%-34s %6.3f s\n", "read the file", (double)(cpu_ns() - start) / 1e9);
	strbuf_add(text, bytes, len);
	free(bytes);
}

/* Make the text that store_write() makes of these users. */
static void make_own(struct strbuf *text, size_t users)
{
	char path[] = "/tmp/bench_store.XXXXXX";
	struct strbuf other = STRBUF_INIT;
	struct errmsg err = { "" };
	struct store store;
	int fd = mkstemp(path);

	if (fd < 0)
		fail("/tmp: no file can be made");
	(void)close(fd);
	store_text_make(&other, &store_layouts[0], users);
	(void)load(&other, users, &store);
	strbuf_free(&other);
	if (store_write(path, &store, NULL, NULL, &err) < 0)
		fail(err.text);
	store_clear(&store);
	read_file(path, text);
	(void)unlink(path);
}

static void time_checksum(const struct strbuf *text)
{
	struct store_checksum *checksum = store_checksum_new();
	char hex[STORE_CHECKSUM_SIZE];
	uint64_t start = cpu_ns();

	if (checksum == NULL || store_checksum_add(checksum, text->text, text->len) < 0 ||
		store_checksum_end(checksum, hex) < 0)
		fail("no checksum");
	(void)printf("%-34s %6.3f s\n", "compute its checksum", (double)(cpu_ns() - start) / 1e9);
	store_checksum_free(&checksum);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

static void compare_layout(const struct store_layout *layout, const struct strbuf *own,
	size_t users, int pairs)
{
	double took[PAIRS_MAX], ratios[PAIRS_MAX];
	struct strbuf text = STRBUF_INIT;
	int i;

	store_text_make(&text, layout, users);
	if (text.failed)
		fail("out of memory");
	for (i = 0; i < pairs; i++) {
		took[i] = load_time(&text, users);
		ratios[i] = took[i] / load_time(own, users);
	}
	(void)printf("%-34s %6.3f s %6.2f %6zu\n", layout->name, median(took, pairs),
		median(ratios, pairs), text.len / users);
	(void)fflush(stdout);
	strbuf_free(&text);
}

int main(int argc, char **argv)
{
	size_t users = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	int pairs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5, i;
	const char *name = argc > 3 ? argv[3] : "";
	struct strbuf own = STRBUF_INIT;
	double took[PAIRS_MAX];

	if (users == 0 || pairs < 1 || pairs > PAIRS_MAX)
		fail("usage: bench_store [USERS] [PAIRS] [NAME]");
	(void)printf("CPU time to load %zu users\n", users);
	make_own(&own, users);
	time_checksum(&own);
	for (i = 0; i < pairs; i++)
		took[i] = load_time(&own, users);
	(void)printf("%-34s %6.3f s\n\n", "load the text", median(took, pairs));
	(void)printf("%-34s %8s %6s %6s\n", "layout", "CPU", "ratio", "B/row");
	for (const struct store_layout *layout = store_layouts; layout->name != NULL; layout++)
		if (strstr(layout->name, name) != NULL)
			compare_layout(layout, &own, users, pairs);
	strbuf_free(&own);
	return 0;
}
