/*
 * The beat for systemd's watchdog, which stops when the cache thread or the sessions hang. The one
 * watchdog is static; after the start, only the server thread uses it.
 */
#include "milter/watchdog.h"

#include <stdlib.h>
#include <unistd.h>

#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "milter/process.h"
#include "milter/smtp/callbacks.h"

#define BEATS 4 /* in an interval */

int64_t watchdog_interval(const char *usec, const char *pid, long own_pid)
{
	long long interval = usec == NULL ? 0 : strtoll(usec, NULL, 10);

	if (interval < 1000 || (pid != NULL && strtol(pid, NULL, 10) != own_pid))
		return 0;
	return interval / 1000;
}

/* Whether something that began at *since, 0 for not at all, has lasted for the limit. */
static bool has_lasted(int64_t *since, bool goes_on, int64_t now, int64_t limit)
{
	if (!goes_on)
		*since = 0;
	else if (*since == 0)
		*since = now;
	return goes_on && now - *since >= limit;
}

const char *watchdog_judge(struct watchdog_memory *memory, const struct watchdog_view *view,
	int64_t limit)
{
	const bool is_stalled = view->entered - view->left > (view->disk_hangs ? 1U : 0U) &&
		view->left == memory->left;
	const bool cache_hangs =
		has_lasted(&memory->asked_at, view->answered != view->asked, view->now, limit);
	const bool sessions_hang = has_lasted(&memory->stalled_at, is_stalled, view->now, limit);

	memory->left = view->left;
	if (cache_hangs)
		return "the cache thread hangs";
	return sessions_hang ? "the sessions hang" : NULL;
}

/* ---- the beat -------------------------------------------------------------------- */

struct watchdog {
	struct cache *cache;
	struct ledger_file *ledger_file;
	int64_t limit;
	struct watchdog_memory memory;
	uint64_t asked;
	const char *reason; /* why the beat has stopped; NULL: it has not */
};

/* Log a change of the reason. */
static void report(struct watchdog *watchdog, const char *reason)
{
	if ((reason == NULL) == (watchdog->reason == NULL))
		return;
	watchdog->reason = reason;
	if (reason != NULL)
		log_event(LOG_LEVEL_ERROR, "watchdog beat=stopped reason=\"%s\"", reason);
	else
		log_event(LOG_LEVEL_NOTICE, "watchdog beat=resumed");
}

static bool disk_hangs(struct ledger_file *file)
{
	struct errmsg late;

	ledger_file_late(file, &late);
	return late.text[0] != '\0';
}

static void beat(void *argument)
{
	struct watchdog *watchdog = argument;
	const struct callbacks_progress progress = callbacks_progress();
	const struct watchdog_view view = {
		.now = clock_ms(),
		.asked = watchdog->asked,
		.answered = cache_answered(watchdog->cache),
		.entered = progress.entered,
		.left = progress.left,
		.disk_hangs = disk_hangs(watchdog->ledger_file),
	};

	report(watchdog, watchdog_judge(&watchdog->memory, &view, watchdog->limit));
	if (watchdog->reason == NULL)
		process_notify("WATCHDOG=1");
	if (view.answered == view.asked)
		watchdog->asked = cache_ask(watchdog->cache);
}

int watchdog_start(struct server *server, struct cache *cache, struct ledger_file *ledger_file,
	struct errmsg *err)
{
	static struct watchdog watchdog; /* as long as the server's timer */
	const int64_t interval =
		watchdog_interval(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), (long)getpid());
	const int64_t pause = interval / BEATS < 1 ? 1 : interval / BEATS;

	if (interval == 0)
		return 0;
	watchdog = (struct watchdog){ .cache = cache,
		.ledger_file = ledger_file,
		.limit = interval / 2 };
	return server_every(server, pause > 3600000 ? 3600000U : (unsigned)pause, beat, &watchdog,
		err);
}
