/*
 * The log: a ring of lines, and the log thread that writes them to syslog or standard error. Owns
 * both; any thread logs, and the main thread starts and stops it.
 */
#include "milter/log/log.h"

#include <errno.h>
#include <paths.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/base/thread.h"
#include "milter/base/deadline.h"
#include "milter/log/repeats.h"

#define RING_SIZE ((size_t)4 << 20) /* bytes; a power of two: 512 for each waiting line */
#define STOP_SECONDS 2
#define PAUSE_NS 5000000L

/* Precedes each line in the ring. */
struct record {
	uint32_t len; /* bytes of the line, without a NUL */
	uint32_t level;
};

/*
 * The lock guards all fields but to_stderr, which is constant while the log thread runs. It is held
 * to copy bytes in or out, never to format or write a line. head and tail only increase; their
 * difference is the number of bytes in the ring.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;	/* the log thread waits for it */
	pthread_cond_t drained; /* log_stop() waits for it */
	pthread_t writer;
	bool running, stopping, writer_idle;
	bool writer_timed; /* while idle, the log thread wakes up every second */
	bool to_stderr;
	uint64_t head, tail;
	uint64_t unreported; /* dropped lines that the log does not mention yet */
	uint64_t lost;	     /* lines that the output has not taken, likewise */
	uint32_t lines;
	char *bytes;
	struct repeats repeats;
} ring = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

static atomic_uint_fast64_t dropped, suppressed, written;

static atomic_int write_error; /* of the last line to standard error; 0: it was taken */
static atomic_int_fast64_t
	write_begun; /* when the log thread began to write a line; 0: it writes none */

uint64_t log_dropped(void)
{
	return atomic_load(&dropped);
}

uint64_t log_suppressed(void)
{
	return atomic_load(&suppressed);
}

uint64_t log_written(void)
{
	return atomic_load(&written);
}

/* Write to standard error in one write(), so that lines of several processes do not mix. Returns
 * whether the whole line was taken. */
static bool write_stderr(enum log_level level, const char *line, size_t len)
{
	char out[LOG_LINE_MAX + 80];
	struct timespec now;
	struct tm tm;
	size_t at, taken = 0;
	ssize_t got = 0;
	int n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)localtime_r(&now.tv_sec, &tm);
	at = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	n = text_format(out + at, sizeof(out) - at, ".%03ld %s: %.*s\n", now.tv_nsec / 1000000,
		log_level_name(level), (int)len, line);
	if (n > 0 && at + (size_t)n < sizeof(out))
		at += (size_t)n;
	while (taken < at && (got = write(STDERR_FILENO, out + taken, at - taken)) >= 0)
		taken += (size_t)got;
	/* Only log_is_taken() can report an error. */
	atomic_store(&write_error, taken < at ? errno : 0);
	return taken == at;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns whether the output has taken the line; syslog(3) does not tell. */
static bool write_line(enum log_level level, const char *line, size_t len)
{
	bool is_taken = true;

	atomic_store(&write_begun, monotonic_ms());
	if (ring.to_stderr)
		is_taken = write_stderr(level, line, len);
	else
		syslog((int)level, "%.*s", (int)len, line);
	atomic_store(&write_begun, 0);
	atomic_fetch_add(&written, is_taken ? 1 : 0);
	return is_taken;
}

/* Return the error of a connection to the system's log daemon; syslog(3) hides it. */
static int try_syslog(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	int fd, error = EPROTOTYPE;

	for (size_t i = 0; error == EPROTOTYPE && i < 2; i++) {
		if ((fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
			return 0; /* unknown */
		error = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ?
			0 :
			errno;
		(void)close(fd);
	}
	return error == EAGAIN ? 0 : error;
}

bool log_is_taken(int64_t patience_ms, struct errmsg *err)
{
	const char *output = ring.to_stderr ? "standard error" : _PATH_LOG;
	const int64_t begun = atomic_load(&write_begun);
	const int64_t waited = begun == 0 ? 0 : monotonic_ms() - begun;
	const int error = ring.to_stderr ? atomic_load(&write_error) : try_syslog();

	if (error != 0)
		(void)errmsg_set(err, "the lines of the log are lost: %s: %s", output,
			strerror(error));
	else if (waited > patience_ms)
		(void)errmsg_set(err,
			"the lines of the log wait, and will be lost: %s has taken none for %lld s",
			output, (long long)waited / 1000);
	return error == 0 && waited <= patience_ms;
}

static void copy_in(const void *from, size_t len)
{
	size_t at = ring.head & (RING_SIZE - 1);
	size_t first = len < RING_SIZE - at ? len : RING_SIZE - at;

	memcpy(ring.bytes + at, from, first);
	memcpy(ring.bytes, (const char *)from + first, len - first);
	ring.head += len;
}

static void copy_out(void *to, size_t len)
{
	size_t at = ring.tail & (RING_SIZE - 1);
	size_t first = len < RING_SIZE - at ? len : RING_SIZE - at;

	memcpy(to, ring.bytes + at, first);
	memcpy((char *)to + first, ring.bytes, len - first);
	ring.tail += len;
}

/* Remove the oldest line. Called with the lock held. */
static struct record remove_line(char line_r[LOG_LINE_MAX])
{
	struct record record;

	copy_out(&record, sizeof(record));
	copy_out(line_r, record.len);
	ring.lines--;
	return record;
}

/* Log how many lines were lost, and why. Returns whether the output has taken that. Called and
 * returns with the lock held, which is released to write. */
static bool report_count(const char *kind, const char *reason, uint64_t count)
{
	char line[80];
	const int n = text_format(line, sizeof(line), "log lines-%s=%llu reason=%s", kind,
		(unsigned long long)count, reason);
	bool is_taken;

	(void)pthread_mutex_unlock(&ring.lock);
	is_taken = write_line(LOG_LEVEL_WARNING, line, (size_t)n);
	(void)pthread_mutex_lock(&ring.lock);
	return is_taken;
}

static void report_dropped(void)
{
	const uint64_t count = ring.unreported;

	ring.unreported = 0;
	(void)report_count("dropped", "ring-full", count);
}

#define REPORT_SIZE (REPEATS_TEXT_SIZE + 80)

/* Returns the length. Quotation marks of the line become apostrophes, because the line is quoted.
 */
static size_t format_report(const struct repeats_report *report, char line_r[REPORT_SIZE])
{
	int n = snprintf(line_r, REPORT_SIZE, "log lines-suppressed=%lu reason=equal line=\"",
		(unsigned long)report->suppressed);

	for (const char *c = report->text; *c != '\0'; c++)
		line_r[n++] = (char)(*c == '"' ? '\'' : *c == '\\' ? '/' : *c);
	line_r[n++] = '"';
	return (size_t)n;
}

/* Log one of the counts that are due. Returns false when there is none. Called and returns with the
 * lock held, which is released to write. */
static bool report_suppressed(void)
{
	struct repeats_report report;
	char line[REPORT_SIZE];

	if (!repeats_end(&ring.repeats, ring.stopping ? INT64_MAX : monotonic_ms(), &report))
		return false;
	(void)pthread_mutex_unlock(&ring.lock);
	(void)write_line((enum log_level)report.level, line, format_report(&report, line));
	(void)pthread_mutex_lock(&ring.lock);
	return true;
}

/* Wait for a line, or for a second while there are counts to report or lines were lost. */
static void wait_for_lines(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	ring.writer_idle = true;
	ring.writer_timed = ring.repeats.suppressing > 0 || ring.lost > 0;
	if (ring.writer_timed)
		(void)pthread_cond_timedwait(&ring.filled, &ring.lock, &until);
	else
		(void)pthread_cond_wait(&ring.filled, &ring.lock);
	ring.writer_idle = false;
}

/* Let lines gather, so that the thread of a busy daemon is not woken for each. Called and returns
 * with the lock held, which is released meanwhile. */
static void pause_writer(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	(void)pthread_mutex_unlock(&ring.lock);
	(void)nanosleep(&pause, NULL);
	(void)pthread_mutex_lock(&ring.lock);
}

static void *writer_main(void *unused)
{
	static char line[LOG_LINE_MAX]; /* there is only one log thread */
	struct record record;
	bool paused = false;
	unsigned lost;

	(void)unused;
	(void)pthread_mutex_lock(&ring.lock);
	for (;;) {
		if (ring.head != ring.tail) {
			paused = false;
			record = remove_line(line);
			(void)pthread_mutex_unlock(&ring.lock);
			lost = write_line((enum log_level)record.level, line, record.len) ? 0 : 1;
			atomic_fetch_add(&dropped, lost);
			(void)pthread_mutex_lock(&ring.lock);
			ring.lost += lost;
		} else if (ring.unreported > 0) {
			report_dropped();
		} else if (report_suppressed()) {
			continue;
		} else if (ring.stopping) {
			break;
		} else if (!paused) {
			pause_writer();
			paused = true;
		} else {
			wait_for_lines();
			/* This also shows whether the output takes lines again. */
			if (ring.lost > 0 && report_count("lost", "output-failed", ring.lost))
				ring.lost = 0;
		}
	}
	ring.running = false;
	(void)pthread_cond_signal(&ring.drained);
	(void)pthread_mutex_unlock(&ring.lock);
	return NULL;
}

/* Return whether a log thread that was abandoned still hangs. */
static bool is_running(void)
{
	bool running;

	(void)pthread_mutex_lock(&ring.lock);
	running = ring.running;
	(void)pthread_mutex_unlock(&ring.lock);
	return running;
}

int log_start(const struct log_output *output, struct errmsg *err)
{
	enum log_level level;
	int facility, ret;

	if ((facility = log_facility_parse(output->facility)) < 0)
		return errmsg_set(err,
			"[log] facility: '%s' is not a syslog facility; use mail, daemon, user, auth or local0 to local7",
			output->facility);
	if (log_level_parse(output->level, &level) != 0)
		return errmsg_set(err,
			"[log] level: '%s' is not a level; use error, warning, notice, info or debug",
			output->level);
	if (is_running())
		return errmsg_set(err, "the previous log thread still hangs");
	free(ring.bytes); /* of one that was abandoned */
	if ((ring.bytes = malloc(RING_SIZE)) == NULL)
		return errmsg_set(err, "out of memory for the log");
	/* libmilter logs by syslog() itself: with -f, LOG_PERROR shows its lines, too. */
	openlog("postern", LOG_PID | (output->to_stderr ? LOG_PERROR : LOG_NDELAY), facility);
	log_set_level(level);
	ring.to_stderr = output->to_stderr;
	ring.stopping = false;
	ring.head = ring.tail = 0;
	ring.lines = 0;
	ring.lost = 0;
	atomic_store(&write_error, 0);
	deadline_init_cond(&ring.filled);
	deadline_init_cond(&ring.drained);
	ring.running = true;
	if ((ret = thread_start(&ring.writer, "log", writer_main, NULL)) != 0) {
		ring.running = false;
		free(ring.bytes);
		ring.bytes = NULL;
		return errmsg_set(err, "cannot start the log thread: %s", strerror(ret));
	}
	return 0;
}

void log_stop(void)
{
	struct timespec until;
	bool ended;

	(void)pthread_mutex_lock(&ring.lock);
	if (!ring.running || ring.stopping) {
		(void)pthread_mutex_unlock(&ring.lock);
		return;
	}
	ring.stopping = true;
	(void)pthread_cond_signal(&ring.filled);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_SECONDS;
	while (ring.running &&
		pthread_cond_timedwait(&ring.drained, &ring.lock, &until) != ETIMEDOUT)
		;
	ended = !ring.running;
	(void)pthread_mutex_unlock(&ring.lock);
	if (!ended) { /* it hangs in syslog(): abandon it */
		(void)pthread_detach(ring.writer);
		return;
	}
	(void)pthread_join(ring.writer, NULL);
	free(ring.bytes);
	ring.bytes = NULL;
	repeats_clear(&ring.repeats);
}

/* Add a line to the ring, or count it as dropped. Called with the lock held. */
static void add_record(enum log_level level, const char *line, size_t len)
{
	struct record record = { .len = (uint32_t)len, .level = (uint32_t)level };

	if (ring.lines >= LOG_LINES_MAX ||
		RING_SIZE - (size_t)(ring.head - ring.tail) < sizeof(record) + len) {
		ring.unreported++;
		atomic_fetch_add(&dropped, 1);
		return;
	}
	copy_in(&record, sizeof(record));
	copy_in(line, len);
	ring.lines++;
	if (ring.writer_idle)
		(void)pthread_cond_signal(&ring.filled);
}

/* Add a line unless too many equal ones were added. Called with the lock held. */
static void add_admitted(const struct repeats_line *line, int64_t now)
{
	struct repeats_report report;
	const bool is_admitted = repeats_admit(&ring.repeats, line, now, &report);
	char text[REPORT_SIZE];

	if (report.suppressed > 0)
		add_record((enum log_level)report.level, text, format_report(&report, text));
	if (is_admitted) {
		add_record((enum log_level)line->level, line->text, line->len);
		return;
	}
	atomic_fetch_add(&suppressed, 1);
	if (ring.writer_idle && !ring.writer_timed) /* a count is due in a minute */
		(void)pthread_cond_signal(&ring.filled);
}

static void add_line(enum log_level level, const char *text, size_t len)
{
	const struct repeats_line line = { hash_bytes(text, len), (uint32_t)level, text, len };
	const int64_t now = monotonic_ms();
	bool is_ringing;

	(void)pthread_mutex_lock(&ring.lock);
	is_ringing = ring.running && !ring.stopping;
	if (is_ringing)
		add_admitted(&line, now);
	(void)pthread_mutex_unlock(&ring.lock);
	if (!is_ringing)
		(void)write_stderr(level, text, len);
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* Not inlined, so that only unclean lines need this much stack. */
__attribute__((noinline)) static void add_cleaned_line(enum log_level level, const char *line,
	size_t len)
{
	char printable[LOG_LINE_MAX];

	for (size_t i = 0; i < len; i++)
		printable[i] = (char)(is_printable(line[i]) ? line[i] : '?');
	add_line(level, printable, len);
}

void log_action(enum log_level level, const char *line, size_t len)
{
	size_t clean = 0;

	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	while (clean < len && is_printable(line[clean]))
		clean++;
	if (clean == len)
		add_line(level, line, len);
	else
		add_cleaned_line(level, line, len);
}

void log_line(enum log_level level, const char *line, size_t len)
{
	if (log_wants(level))
		log_action(level, line, len);
}

void log_event(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;
	int n;

	if (!log_wants(level))
		return;
	va_start(args, format);
	n = text_vformat(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = (int)text_fit(line, strlen(line), sizeof(line) - sizeof("..."));
		memcpy(line + n, "...", sizeof("..."));
		n += 3;
	}
	log_line(level, line, (size_t)n);
}
