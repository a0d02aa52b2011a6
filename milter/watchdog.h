#ifndef POSTERN_WATCHDOG_H
#define POSTERN_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "milter/cache/cache.h"
#include "milter/ledger/ledger_file.h"
#include "milter/loop/server.h"

/*
 * The beat for systemd's watchdog (sd_watchdog_enabled(3)): "WATCHDOG=1" on the notification
 * socket, four times in the interval that the unit sets, by the server thread. It stops while the
 * cache thread leaves a question unanswered, or no callback of a session comes to its end, for half
 * of the interval; systemd then ends the daemon and starts it again. It also stops with the server
 * thread itself. A session that hangs with the disk of the counts is none: a restart would hang,
 * too.
 */

/*
 * The interval that the environment gives this process, in milliseconds; 0: there is no watchdog.
 * usec: WATCHDOG_USEC, and pid: WATCHDOG_PID, as getenv() returns them. own_pid: getpid().
 */
int64_t watchdog_interval(const char *usec, const char *pid, long own_pid);

/* What the watchdog sees at one moment. A plain value. */
struct watchdog_view {
	int64_t now;		     /* ms of clock_ms() */
	uint64_t asked, answered;    /* questions to the cache thread, and the last one answered */
	unsigned long entered, left; /* callbacks of sessions, since the start */
	bool disk_hangs;	     /* with which one session may hang */
};

/* What it has seen before. All zero at the start. */
struct watchdog_memory {
	int64_t asked_at;   /* when the oldest question without an answer was asked; 0: none */
	int64_t stalled_at; /* since when callbacks run of which none ends; 0: one has ended */
	unsigned long left;
};

/*
 * Return the reason why the beat must stop, or NULL. limit: ms that either may take.
 */
const char *watchdog_judge(struct watchdog_memory *memory, const struct watchdog_view *view,
	int64_t limit);

/*
 * Begin to beat if systemd has asked this process to. Call this before server_start(); the cache
 * and the
 * files must live until server_stop(). Returns 0, or -1 with err set.
 */
int watchdog_start(struct server *server, struct cache *cache, struct ledger_file *ledger_file,
	struct errmsg *err);

#endif
