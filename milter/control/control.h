#ifndef POSTERN_CONTROL_H
#define POSTERN_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "milter/auth/auth.h"
#include "milter/cache/cache.h"
#include "milter/loop/server.h"
#include "milter/shared/shared.h"
#include "milter/shared/status.h"
#include "milter/shared/suspension_keeper.h"

/*
 * The control socket, for posternctl. Each request is a JSON object on one line and gets one
 * answer, also on one line. A connection may send any number of requests and gets the answers in
 * their order. An answer is {"ok": true, ...} or {"ok": false, "error": "..."}. The requests:
 *
 *   {"command": "status"}	every section of milter/shared/status.h under its name, and
 *"problems"
 *   {"command": "reload", "accept_older": true}
 *				read everything again; answered when that is done. "accept_older":
 *				also rows of a database that was set back
 *   {"command": "explain", "session": {...}}
 *				decide the session by the policy in force, and check its login like
 *				an MTA's, delayed by failures and logged; lib/decide/explain.h
 *				defines session and "answer"
 *   {"command": "tail"}	after the answer, one line for each decision until the client hangs
 *				up; {"dropped": N} where N lines were lost
 *   {"command": "suspend", "login": "bob"}, {"command": "resume", "login": "bob"}
 *				suspend a login on this machine, or end its suspension
 *   {"command": "suspended"}	list the suspended logins
 *   {"command": "auth-reset", "whose": "bob"}
 *				forgive the failures of a login or of an address's network; without
 *				"whose", all failures; an error if "whose" has none
 *   {"command": "auth-example"}
 *				answer with "line": the log line of a login with a wrong password,
 *				for a check of what reads the log
 *   {"command": "log-level", "level": "debug"}
 *				change the log level until the next reload; without "level", report
 *				it
 *   {"command": "limits", "key": "bob", "reset": true}
 *				report the counts of a login or of a key of the ledger; with
 *				"reset", clear them first
 *   {"command": "limits", "top": 20}
 *				report the keys that are nearest to their limits
 *
 * Any process that may connect, by the socket's mode and group, may send any request. A request
 * longer than CONTROL_REQUEST_MAX bytes is refused. A connection beyond CONTROL_CONNECTIONS_MAX, or
 * one that is made while file descriptors are short, replaces one of the user that has the most:
 * the one that has been idle for the longest time, or else one that follows decisions, or else one
 * that does not read its answer. It is refused if all of these wait for an answer, or if its own
 * user has the most of all. No more than CONTROL_BUSY_MAX of them wait for work (explain, reload,
 * limits); further such requests are refused, so that status is answered. A user is refused when he
 * has as many of them as are still free, so that some are left for others, and all users but root
 * and the daemon's are when they have CONTROL_MEMBERS_MAX together. Users take turns at the
 * workers, those two first. A connection whose client has gone counts until its work ends. One that
 *is silent for a minute is closed, unless it follows decisions or waits for an answer. A client
 *that follows decisions but does not read them loses lines and does not delay others.
 */
#define CONTROL_REQUEST_MAX (1 << 20)
#define CONTROL_CONNECTIONS_MAX 64
#define CONTROL_BUSY_MAX 56
#define CONTROL_MEMBERS_MAX 48

struct control;
struct control_command;

/* The objects that the commands work on. They must outlive the control socket. */
struct control_subject {
	const struct control_command *commands; /* control_commands() */
	struct shared *shared;
	const struct status *status;
	struct suspension_keeper *suspensions;
};

/*
 * Take over listen_fd, a listening unix socket (listen_unix()); clients wait until control_serve().
 * subject is copied. 0, or -1 with err set.
 */
int control_new(struct server *server, int listen_fd, const struct control_subject *subject,
	struct control **control_r, struct errmsg *err);

/*
 * Begin to answer. Call this before server_start(). auth may be NULL: logins are not served. cache
 * and auth must outlive the control socket's last answer. Returns 0, or -1 with err set.
 */
int control_serve(struct control *control, struct cache *cache, struct auth *auth,
	struct errmsg *err);

/* Answer all requests for a reload up to this one; serves as cache_hooks.reload_ended. Any thread.
 */
void control_reload_ended(struct control *control, uint64_t request, bool ok,
	const struct errmsg *err);

/* Close all connections. Call this after server_stop(). Accepts NULL; sets *control to NULL. */
void control_free(struct control **control);

#endif
