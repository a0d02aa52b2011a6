/*
 * Measures a charge through the interface of the checks, without and with the ledger's files, with
 * one thread and with several, and the memory of many logins.
 * Usage: bench_ledger [LOGINS] [DIRECTORY]
 */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/ledger/ledger_file.h"
#include "milter/ledger/ledger_journal.h"
#include "milter/ledger/ledger_load.h"

#define SECOND UINT64_C(1000000)
#define THREADS 16
#define CHARGES_EACH 100000

static const struct limit limits[] = { { 1000000000, 300 }, { 1000000000, 86400 } };

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_ledger: %s\n", what);
	exit(1);
}

static struct ledger_request request_of(const char *key)
{
	return (struct ledger_request){ key, strlen(key), limits, 2, 1, 0, { 0, { 0 } } };
}

static void charge_key(const struct ledger_ops *ops, uint64_t now, const char *key)
{
	const struct ledger_request request = request_of(key);
	struct ledger_usage usage;

	if (ops->charge(ops->context, now, &request, 1, true, &usage) != LEDGER_FREE)
		fail("a charge was refused");
}

static void login(char key_r[48], size_t i)
{
	(void)snprintf(key_r, 48, "login:user%06zu@example.com", i);
}

static void print_row(const char *what, double value, const char *unit)
{
	(void)printf("  %-58s %10.1f %s\n", what, value, unit);
}

/* The memory of logins with this number of charges spread over a day, and the time of a charge. */
static void many_logins(size_t logins, unsigned charges)
{
	struct ledger *ledger = ledger_new();
	const struct ledger_ops ops = ledger_ops(ledger);
	size_t empty = ledger_size(ledger).bytes, heap = mallinfo2().uordblks;
	char key[48], what[80];
	double start, took = 0;

	for (unsigned c = 0; c < charges; c++) {
		start = seconds();
		for (size_t i = 0; i < logins; i++) {
			login(key, i);
			charge_key(&ops, 1000 * SECOND + c * (80000 / charges) * SECOND + i, key);
		}
		took = seconds() - start;
	}
	(void)snprintf(what, sizeof(what), "%zu logins with %u charges each: memory", logins,
		charges);
	print_row(what, (double)(ledger_size(ledger).bytes - empty) / (double)logins,
		"bytes per login");
	print_row("  the same as counted by malloc",
		(double)(mallinfo2().uordblks - heap) / (double)logins, "bytes per login");
	print_row("  the last round, one thread", took / (double)logins * 1e9, "ns per charge");
	start = seconds();
	for (size_t i = 0; i < logins; i++) {
		const struct ledger_request request = request_of(key);
		struct ledger_usage usage;

		login(key, i * 7919 % logins);
		(void)ops.look(ops.context, 90000 * SECOND, &request, 1, &usage);
	}
	print_row("  a look", (seconds() - start) / (double)logins * 1e9, "ns");
	ledger_free(&ledger);
}

/* ---- threads ------------------------------------------------------------------------ */

struct worker {
	struct ledger *ledger;
	pthread_t thread;
	unsigned number;
	size_t logins; /* 1: all threads charge the same one */
};

static void *charge_many(void *argument)
{
	struct worker *worker = argument;
	const struct ledger_ops ops = ledger_ops(worker->ledger);
	char key[48];
	size_t at = worker->number * 7919U;

	for (unsigned i = 0; i < CHARGES_EACH; i++, at += 104729) {
		login(key, at % worker->logins);
		charge_key(&ops, 1000 * SECOND + i, key);
	}
	return NULL;
}

static double threads(struct ledger *ledger, unsigned count, size_t logins)
{
	struct worker workers[THREADS];
	double start = seconds();

	for (unsigned i = 0; i < count; i++) {
		workers[i] = (struct worker){ .ledger = ledger, .number = i, .logins = logins };
		if (pthread_create(&workers[i].thread, NULL, charge_many, &workers[i]) != 0)
			fail("cannot start a thread");
	}
	for (unsigned i = 0; i < count; i++)
		(void)pthread_join(workers[i].thread, NULL);
	return (seconds() - start) / (count * (double)CHARGES_EACH) * 1e9;
}

static void contention(size_t logins)
{
	static const unsigned counts[] = { 1, 2, 4, 16 };
	char what[80];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct ledger *ledger = ledger_new();

		(void)snprintf(what, sizeof(what), "%u threads, %zu logins", counts[i], logins);
		print_row(what, threads(ledger, counts[i], logins), "ns per charge, by the clock");
		ledger_free(&ledger);
	}
}

/* ---- the file -------------------------------------------------------------------------- */

struct journals {
	uint64_t first; /* journals before it are not loaded */
	double bytes;
};

static void add_journal(void *context, uint64_t number, const char *name)
{
	struct journals *journals = context;
	struct stat status;

	if (number >= journals->first && stat(name, &status) == 0)
		journals->bytes += (double)status.st_size;
}

/* The time depends on when the ledger's thread wrote its last checkpoint, so print the sizes, too.
 */
static void load_files(const char *path, struct problems *problems)
{
	struct ledger *ledger = ledger_new();
	struct ledger_loaded loaded;
	struct journals journals = { 0, 0 };
	struct errmsg err;
	double start = seconds(), took, checkpoint;

	if (ledger_load(path, false, ledger, &loaded, problems, &err) != 0)
		fail(err.text);
	took = (seconds() - start) * 1e3;
	checkpoint = (double)loaded.checkpoint.size / 1e6;
	journals.first = loaded.checkpoint.first_journal;
	if (ledger_journal_each(path, add_journal, &journals, &err) != 0)
		fail(err.text);
	journals.bytes /= 1e6;
	print_row("loading all at the start", took, "ms");
	print_row("  the checkpoint", checkpoint, "MB");
	print_row("  the journals after it", journals.bytes, "MB");
	print_row("  both", took / (checkpoint + journals.bytes), "ms per MB");
	ledger_free(&ledger);
}

static void with_file(const char *directory, size_t logins)
{
	struct ledger *ledger = ledger_new();
	const struct ledger_ops ops = ledger_ops(ledger);
	struct problems *problems = problems_new();
	struct ledger_file *file;
	struct errmsg err;
	char path[300], key[48];
	double start;

	(void)snprintf(path, sizeof(path), "%s/limits.state", directory);
	if (ledger_file_open(path, ledger, NULL, &file, problems) != 0)
		fail("out of memory");
	start = seconds();
	for (size_t i = 0; i < logins; i++) {
		login(key, i);
		charge_key(&ops, ledger_file_now(file), key);
	}
	print_row("saved, one thread", (seconds() - start) / (double)logins * 1e9, "ns per charge");
	start = seconds();
	if (ledger_file_checkpoint(file, &err) != 0)
		fail(err.text);
	print_row("a checkpoint of all logins", (seconds() - start) * 1e3, "ms");
	if (ledger_file_start(file, &err) != 0)
		fail(err.text);
	print_row("saved, 16 threads", threads(ledger, THREADS, logins),
		"ns per charge, by the clock");
	ledger_file_close(&file);
	ledger_free(&ledger);
	load_files(path, problems);
	problems_free(&problems);
}

int main(int argc, char **argv)
{
	size_t logins = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;

	if (logins == 0)
		fail("usage: bench_ledger [LOGINS] [DIRECTORY]");
	(void)printf("two limits per login: 5 minutes and a day\n");
	many_logins(logins, 1);
	many_logins(logins, 5);
	many_logins(logins / 10, 100);
	contention(logins);
	contention(1);
	if (argc > 2)
		with_file(argv[2], logins);
	return 0;
}
