/*
 * Measures how long a JSON store takes to load: parts of the layout that Postern writes, and other
 * layouts compared with it. The library uses further threads, so that both the elapsed time and the
 * CPU time of all threads are shown.
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

/* Seconds. */
struct took {
	double elapsed, cpu;
};

static struct took now(void)
{
	return (struct took){ (double)wall_ns() / 1e9, (double)process_cpu_ns() / 1e9 };
}

static struct took since(struct took start)
{
	const struct took end = now();

	return (struct took){ end.elapsed - start.elapsed, end.cpu - start.cpu };
}

static struct took load(const struct strbuf *text, size_t users, struct store *store_r)
{
	const struct store_source source = { 0 };
	const struct took start = now();
	struct errmsg err = { "" };
	struct took took;

	if (store_parse("store", text->text, text->len, NULL, &source, store_r, &err) != STORE_READ)
		fail(err.text);
	took = since(start);
	if (users_count(store_r->users) != users)
		fail("the number of users is wrong");
	return took;
}

static struct took load_time(const struct strbuf *text, size_t users)
{
	struct store store;
	const struct took took = load(text, users, &store);

	store_clear(&store);
	return took;
}

static void show_part(const char *what, struct took took)
{
	(void)printf("%-34s %6.3f s %6.3f s\n", what, took.elapsed, took.cpu);
}

/* Read the file, so that the text is that of store_write(). */
static void read_file(const char *path, struct strbuf *text)
{
	struct errmsg err = { "" };
	const struct took start = now();
	struct took took;
	char *bytes;
	size_t len;

	if (file_read(path, STORE_MAX, &bytes, &len, NULL, &err) != FILE_READ)
		fail(err.text);
	took = since(start);
	show_part("read the file", took);
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
	const struct took start = now();

	if (checksum == NULL || store_checksum_add(checksum, text->text, text->len) < 0 ||
		store_checksum_end(checksum, hex) < 0)
		fail("no checksum");
	show_part("compute its checksum", since(start));
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
	double elapsed[PAIRS_MAX], cpu[PAIRS_MAX], elapsed_ratios[PAIRS_MAX], cpu_ratios[PAIRS_MAX];
	struct strbuf text = STRBUF_INIT;
	struct took one, other;
	int i;

	store_text_make(&text, layout, users);
	if (text.failed)
		fail("out of memory");
	for (i = 0; i < pairs; i++) {
		one = load_time(&text, users);
		other = load_time(own, users);
		elapsed[i] = one.elapsed;
		cpu[i] = one.cpu;
		elapsed_ratios[i] = one.elapsed / other.elapsed;
		cpu_ratios[i] = one.cpu / other.cpu;
	}
	(void)printf("%-34s %6.3f s %6.3f s %6.2f %6.2f %6zu\n", layout->name,
		median(elapsed, pairs), median(cpu, pairs), median(elapsed_ratios, pairs),
		median(cpu_ratios, pairs), text.len / users);
	(void)fflush(stdout);
	strbuf_free(&text);
}

int main(int argc, char **argv)
{
	size_t users = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	int pairs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5, i;
	const char *name = argc > 3 ? argv[3] : "";
	double elapsed[PAIRS_MAX], cpu[PAIRS_MAX];
	struct strbuf own = STRBUF_INIT;
	struct took took;

	if (users == 0 || pairs < 1 || pairs > PAIRS_MAX)
		fail("usage: bench_store [USERS] [PAIRS] [NAME]");
	(void)printf("time to load %zu users: elapsed, and CPU of all threads\n", users);
	make_own(&own, users);
	time_checksum(&own);
	for (i = 0; i < pairs; i++) {
		took = load_time(&own, users);
		elapsed[i] = took.elapsed;
		cpu[i] = took.cpu;
	}
	show_part("load the text", (struct took){ median(elapsed, pairs), median(cpu, pairs) });
	(void)printf("\n%-34s %8s %8s %13s %6s\n", "layout", "elapsed", "CPU", "ratios", "B/row");
	for (const struct store_layout *layout = store_layouts; layout->name != NULL; layout++)
		if (strstr(layout->name, name) != NULL)
			compare_layout(layout, &own, users, pairs);
	strbuf_free(&own);
	return 0;
}
